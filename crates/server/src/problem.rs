//! Every error answer of the API (RFC 9457), and the only place where errors become status codes.

use std::{borrow::Cow, fmt::Write as _, ops::Range};

use axum::response::{IntoResponse, Response};
use event::{Reject, code, filter::FilterError};
use export::PackageError;
use hyper::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use ledger::{AppendError, LedgerError, NoCheckpoint};
use query::{AggregateError, AtError, CursorError, QueryError};
use serde::Serialize;

use crate::{
    audit::RecordError, exports::ExportsError, keys::KeysError, node::NodeError,
    sessions::SessionsError, shares::SharesError, views::ViewsError,
};

/// Seconds after which a refused request may be tried again.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:ident $text:literal,)+) => {
        /// Stable names of errors, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }
        }
    };
}

codes! {
    /// A parameter whose value is not allowed.
    InvalidParameter = BAD_REQUEST "invalid_parameter",
    /// A parameter that the route does not have.
    UnknownParameter = BAD_REQUEST "unknown_parameter",
    /// A parameter given twice.
    DuplicateParameter = BAD_REQUEST "duplicate_parameter",
    /// `q` is not a filter.
    InvalidFilter = BAD_REQUEST "invalid_filter",
    /// `cursor` is not one that was given out.
    InvalidCursor = BAD_REQUEST "invalid_cursor",
    /// `cursor` belongs to another request.
    CursorMismatch = BAD_REQUEST "cursor_mismatch",
    /// The answer would have more groups than the server adds up at once.
    TooManyGroups = BAD_REQUEST "too_many_groups",
    /// The answer would have more buckets than the limit.
    TooManyBuckets = BAD_REQUEST "too_many_buckets",
    /// Answering would mean to read more events than a request may.
    TooCostly = BAD_REQUEST "too_costly",
    /// The body is not JSON.
    InvalidJson = BAD_REQUEST "invalid_json",
    /// The body is JSON of another shape.
    InvalidBody = BAD_REQUEST "invalid_body",
    /// The body is not what `Content-Encoding` says.
    InvalidEncoding = BAD_REQUEST "invalid_encoding",
    /// `ack=witnessed` without a witness.
    NoWitnesses = BAD_REQUEST "no_witnesses",
    /// No key, or none that is good.
    Unauthorized = UNAUTHORIZED "unauthorized",
    /// The key lacks a scope.
    InsufficientScope = FORBIDDEN "insufficient_scope",
    /// A form that no page of the session sent.
    ForeignForm = FORBIDDEN "foreign_form",
    /// The key is limited to a project.
    ProjectForbidden = FORBIDDEN "project_forbidden",
    /// Pages of this origin may not ask.
    OriginForbidden = FORBIDDEN "origin_forbidden",
    /// There is nothing here for this key.
    NotFound = NOT_FOUND "not_found",
    /// The event never had content.
    NoContent = NOT_FOUND "no_content",
    /// No checkpoint of that size is kept.
    NoCheckpoint = NOT_FOUND "no_checkpoint",
    /// The path has other methods.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed",
    /// The body did not arrive in time.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout",
    /// No checkpoint covers the event yet.
    NotCoveredYet = CONFLICT "not_covered_yet",
    /// The trail exists already.
    TrailExists = CONFLICT "trail_exists",
    /// The node holds as many keys as it may.
    TooManyKeys = CONFLICT "too_many_keys",
    /// The export has no file, or none yet.
    NotDone = CONFLICT "not_done",
    /// The node holds as many links as it may.
    TooManyShares = CONFLICT "too_many_shares",
    /// Exports take all the room that they may.
    ExportsFull = CONFLICT "exports_full",
    /// The trail has as many saved views as it may.
    TooManyViews = CONFLICT "too_many_views",
    /// The body is larger than the limit.
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large",
    /// More events than the limit.
    TooManyEvents = PAYLOAD_TOO_LARGE "too_many_events",
    /// Another `Content-Type` than the route takes.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
    /// Another `Content-Encoding` than gzip and zstd.
    UnsupportedEncoding = UNSUPPORTED_MEDIA_TYPE "unsupported_encoding",
    /// The server cannot keep up; nothing was done.
    Busy = TOO_MANY_REQUESTS "busy",
    /// A failure inside the server.
    Internal = INTERNAL_SERVER_ERROR "internal",
    /// Stored bytes are not the ones that were recorded.
    Damaged = INTERNAL_SERVER_ERROR "damaged",
    /// The log accepts nothing.
    LogStopped = SERVICE_UNAVAILABLE "log_stopped",
    /// Events are durable, but no checkpoint covered them in time.
    NotIntegrated = SERVICE_UNAVAILABLE "not_integrated",
}

/// An error answer. The request id is put in when it leaves.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    errors: Vec<Fault>,
    next_size: Option<u64>,
}

/// One place in the request that is wrong.
#[derive(Clone, Debug, Default, Serialize)]
struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// Bytes of the filter, end excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<[usize; 2]>,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_size: Option<u64>,
    errors: &'a [Fault],
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            next_size: None,
        }
    }

    /// The same for a path that does not exist and for one that the key may not know of.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing here")
    }

    /// A parameter is wrong.
    pub(crate) fn parameter(
        code: Code,
        name: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        let (name, detail) = (name.into(), detail.into());
        let text = format!("{name}: {detail}");
        let fault = Fault {
            parameter: Some(name),
            detail,
            ..Fault::default()
        };
        Self::new(code, text).with(fault)
    }

    /// A member of the body is wrong.
    pub(crate) fn member(code: Code, name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let fault = Fault {
            member: Some(name.to_owned()),
            detail: detail.clone(),
            ..Fault::default()
        };
        Self::new(code, format!("{name}: {detail}")).with(fault)
    }

    /// A failure that is not the caller's: logged here, and nothing of it is told.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        log(error);
        Self::new(Code::Internal, "the server failed; its log says why")
    }

    fn damaged(error: &dyn std::error::Error) -> Self {
        log(error);
        let detail = "what is stored is not what was recorded; run `indelible verify`";
        Self::new(Code::Damaged, detail)
    }

    fn with(mut self, fault: Fault) -> Self {
        self.errors.push(fault);
        self
    }

    /// Adds what to write instead to the only fault.
    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        if let Some(fault) = self.errors.first_mut() {
            fault.suggestion = Some(suggestion.into());
        }
        self
    }

    /// What went wrong, and what to write instead, in a few lines.
    pub(crate) fn advice(&self) -> String {
        let mut text = self.detail.clone();
        for fault in &self.errors {
            if let Some([start, end]) = fault.span {
                // Writing into a string cannot fail.
                let _ = write!(text, "\nin bytes {start} to {end} of the filter");
            }
            if let Some(suggestion) = &fault.suggestion {
                let _ = write!(text, "\n{suggestion}");
            }
        }
        text
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer as it leaves the server.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let status = self.code.status();
        let body = Body {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            request_id,
            next_size: self.next_size,
            errors: &self.errors,
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.code {
            Code::Busy | Code::NotCoveredYet | Code::NotIntegrated => {
                headers.insert(RETRY_AFTER, RETRY_AFTER_S);
            }
            Code::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    /// A placeholder that carries the problem to where the request id is known.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// One line for each failure of ours, with the whole chain of causes.
fn log(error: &dyn std::error::Error) {
    let mut causes = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push_str(": ");
        causes.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(%error, %causes, "a request failed");
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Busy => Self::new(Code::Busy, error.to_string()),
            AppendError::Stopped => Self::new(Code::LogStopped, error.to_string()),
        }
    }
}

impl From<NoCheckpoint> for Problem {
    fn from(error: NoCheckpoint) -> Self {
        let detail = match error.next {
            Some(next) => format!("{error}; the next larger one has {next} events"),
            None => format!("{error}, and no larger one"),
        };
        Self {
            next_size: error.next,
            ..Self::new(Code::NoCheckpoint, detail)
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::TrailExists(_) => {
                Self::member(Code::TrailExists, "name", "there is a trail of this name")
            }
            LedgerError::Append(error) => error.into(),
            LedgerError::Root { .. }
            | LedgerError::Malformed { .. }
            | LedgerError::TreeShort { .. } => Self::damaged(&error),
            other => Self::internal(&other),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Ledger(error) => error.into(),
            QueryError::OutOfBudget { .. } => Self::new(
                Code::TooCostly,
                "no index decides on this filter, and reading all events for it takes too long; \
                 narrow it with from and to, with a field, or with a word that is whole",
            ),
            other => Self::damaged(&other),
        }
    }
}

impl From<AggregateError> for Problem {
    fn from(error: AggregateError) -> Self {
        match error {
            AggregateError::Read(error) => error.into(),
            AggregateError::TooManyGroups { .. } => {
                Self::new(Code::TooManyGroups, error.to_string())
            }
            AggregateError::TooManyBuckets { .. } => {
                Self::new(Code::TooManyBuckets, error.to_string())
            }
            AggregateError::Time => Self::new(Code::InvalidParameter, error.to_string()),
        }
    }
}

impl From<KeysError> for Problem {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::TooMany { .. } => Self::new(Code::TooManyKeys, error.to_string()),
            other => Self::internal(&other),
        }
    }
}

impl From<ViewsError> for Problem {
    fn from(error: ViewsError) -> Self {
        match error {
            ViewsError::TooMany { .. } => Self::new(Code::TooManyViews, error.to_string()),
            other => Self::internal(&other),
        }
    }
}

impl From<SessionsError> for Problem {
    fn from(error: SessionsError) -> Self {
        Self::internal(&error)
    }
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Ledger(error) => error.into(),
            NodeError::Keys(error) => error.into(),
            NodeError::Record(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Append(error) => error.into(),
            refused @ RecordError::Refused(_) => Self::internal(&refused),
        }
    }
}

impl From<PackageError> for Problem {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::NotText { .. } => Self::damaged(&error),
            other => Self::internal(&other),
        }
    }
}

impl From<ExportsError> for Problem {
    fn from(error: ExportsError) -> Self {
        match error {
            ExportsError::Busy => Self::new(Code::Busy, error.to_string()),
            ExportsError::Full { .. } => Self::new(Code::ExportsFull, error.to_string()),
            other => Self::internal(&other),
        }
    }
}

impl From<SharesError> for Problem {
    fn from(error: SharesError) -> Self {
        match error {
            SharesError::TooMany => Self::new(Code::TooManyShares, error.to_string()),
            SharesError::Origin => Self::member(Code::InvalidBody, "origins", error.to_string()),
            other => Self::internal(&other),
        }
    }
}

impl From<AtError> for Problem {
    fn from(error: AtError) -> Self {
        Self::parameter(Code::InvalidParameter, "at", error.to_string())
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        let code = match error {
            CursorError::Malformed => Code::InvalidCursor,
            CursorError::Mismatch => Code::CursorMismatch,
        };
        Self::parameter(code, "cursor", error.to_string())
    }
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        let Range { start, end } = error.span;
        let fault = Fault {
            parameter: Some("q".into()),
            span: Some([start, end]),
            detail: error.message.clone(),
            suggestion: error.suggestion,
            ..Fault::default()
        };
        Self::new(Code::InvalidFilter, error.message).with(fault)
    }
}

impl From<Reject> for Problem {
    /// A reject of the whole request.
    fn from(reject: Reject) -> Self {
        let code = match reject.code {
            code::TOO_MANY_EVENTS => Code::TooManyEvents,
            code::INVALID_JSON => Code::InvalidJson,
            _ => Code::InvalidBody,
        };
        Self::new(code, reject.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_failures() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            let rest = &Code::ALL[index + 1..];
            assert!(rest.iter().all(|other| other.as_str() != code.as_str()));
        }
    }
}
