//! Answers of ours, in the words that a client understands.

use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::{Value, json};

use super::route::Dialect;
use crate::http::{Body, full};

const AMZN_ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a call is answered by us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The path names no provider of the settings.
    UnknownProvider { known: String },
    /// The path leads out of the provider's.
    DotSegments,
    /// The token is none of an agent's.
    UnknownAgent,
    /// The call could not be recorded, and must be.
    NotRecorded(String),
    /// The request is longer than what can be recorded before it is passed on.
    TooLong { max_bytes: usize },
    /// The provider cannot be reached.
    Unreachable(String),
    /// The client did not send its whole request.
    Incomplete,
    /// No more connections can be kept open.
    TooMany { max: usize },
    /// What came over a `WebSocket` is none of its frames.
    NoFrame,
}

impl Refusal {
    /// The rule that is named to the client and in the record.
    pub(super) fn rule(&self) -> &'static str {
        match self {
            Self::UnknownProvider { .. } => "llm.upstream",
            Self::DotSegments => "llm.path",
            Self::UnknownAgent => "agent.token",
            Self::NotRecorded(_) | Self::TooLong { .. } => "mode.strict",
            Self::Unreachable(_) => "upstream",
            Self::Incomplete | Self::NoFrame => "request",
            Self::TooMany { .. } => "llm.websockets",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownProvider { .. } => StatusCode::NOT_FOUND,
            Self::UnknownAgent => StatusCode::UNAUTHORIZED,
            Self::NotRecorded(_) | Self::TooMany { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
            Self::DotSegments | Self::Incomplete | Self::NoFrame => StatusCode::BAD_REQUEST,
        }
    }

    /// One sentence for people, with the rule's name.
    pub(super) fn message(&self) -> String {
        let what = match self {
            Self::UnknownProvider { known } => {
                format!("the path begins with no provider that is configured ({known})")
            }
            Self::DotSegments => {
                "the path has segments `.` or `..`, which lead out of the provider's".to_owned()
            }
            Self::UnknownAgent => "the API key is not the token of a known agent".to_owned(),
            Self::NotRecorded(cause) => {
                format!("the call could not be recorded ({cause}), so it was not made")
            }
            Self::TooLong { max_bytes } => {
                format!(
                    "a call is recorded before it is made, and has at most {max_bytes} bytes for that"
                )
            }
            Self::Unreachable(reason) => format!("the provider cannot be reached: {reason}"),
            Self::Incomplete => "the request did not arrive as a whole".to_owned(),
            Self::TooMany { max } => format!("{max} connections are open, which is the limit"),
            Self::NoFrame => "what came is no frame of a WebSocket".to_owned(),
        };
        format!("Indelible: {what} [rule: {}]", self.rule())
    }

    pub(super) fn answer(&self, dialect: Dialect) -> Response<Body> {
        let (status, message) = (self.status(), self.message());
        let code = status.as_u16();
        let body = match dialect {
            Dialect::OpenAi => json!({"error": self.openai_error()}),
            Dialect::Anthropic => json!({"type": "error", "error": {
                "type": self.anthropic_type(), "message": message,
            }}),
            Dialect::Gemini => json!({"error": {
                "code": code, "message": message, "status": self.google_status(),
            }}),
            Dialect::Bedrock => json!({"message": message}),
        };
        let mut answer = Response::new(full(body.to_string()));
        *answer.status_mut() = status;
        answer.headers_mut().insert(CONTENT_TYPE, JSON);
        if dialect == Dialect::Bedrock {
            let kind = HeaderValue::from_static(self.amzn_type());
            answer.headers_mut().insert(AMZN_ERROR_TYPE, kind);
        }
        answer
    }

    /// The same as an event of OpenAI's `WebSocket`.
    pub(super) fn event(&self) -> String {
        let status = self.status().as_u16();
        json!({"type": "error", "status": status, "error": self.openai_error()}).to_string()
    }

    fn openai_error(&self) -> Value {
        let (message, kind) = (self.message(), self.openai_type());
        json!({"message": message, "type": kind, "param": null, "code": self.rule()})
    }

    fn openai_type(&self) -> &'static str {
        match self {
            Self::UnknownAgent => "authentication_error",
            Self::UnknownProvider { .. }
            | Self::TooLong { .. }
            | Self::DotSegments
            | Self::Incomplete
            | Self::NoFrame => "invalid_request_error",
            Self::NotRecorded(_) | Self::Unreachable(_) | Self::TooMany { .. } => "server_error",
        }
    }

    fn anthropic_type(&self) -> &'static str {
        match self {
            Self::UnknownAgent => "authentication_error",
            Self::UnknownProvider { .. } => "not_found_error",
            Self::TooLong { .. } => "request_too_large",
            Self::DotSegments | Self::Incomplete | Self::NoFrame => "invalid_request_error",
            Self::NotRecorded(_) | Self::Unreachable(_) | Self::TooMany { .. } => "api_error",
        }
    }

    fn google_status(&self) -> &'static str {
        match self {
            Self::UnknownAgent => "UNAUTHENTICATED",
            Self::UnknownProvider { .. } => "NOT_FOUND",
            Self::TooLong { .. } | Self::DotSegments | Self::Incomplete | Self::NoFrame => {
                "INVALID_ARGUMENT"
            }
            Self::NotRecorded(_) | Self::Unreachable(_) | Self::TooMany { .. } => "UNAVAILABLE",
        }
    }

    fn amzn_type(&self) -> &'static str {
        match self {
            Self::UnknownAgent => "AccessDeniedException",
            Self::UnknownProvider { .. } => "ResourceNotFoundException",
            Self::TooLong { .. } | Self::DotSegments | Self::Incomplete | Self::NoFrame => {
                "ValidationException"
            }
            Self::NotRecorded(_) | Self::Unreachable(_) | Self::TooMany { .. } => {
                "ServiceUnavailableException"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn body(refusal: &Refusal, dialect: Dialect) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let answer = refusal.answer(dialect);
        let body = runtime.block_on(answer.into_body().collect()).unwrap();
        serde_json::from_slice(&body.to_bytes()).unwrap()
    }

    #[test]
    fn every_client_hears_its_own_language_and_the_rule() {
        let refusal = Refusal::UnknownAgent;
        let openai = body(&refusal, Dialect::OpenAi);
        assert_eq!(
            (&openai["error"]["type"], &openai["error"]["code"]),
            (&json!("authentication_error"), &json!("agent.token"))
        );
        let anthropic = body(&refusal, Dialect::Anthropic);
        assert_eq!(
            (&anthropic["type"], &anthropic["error"]["type"]),
            (&json!("error"), &json!("authentication_error"))
        );
        assert_eq!(
            body(&refusal, Dialect::Gemini)["error"]["status"],
            "UNAUTHENTICATED"
        );
        let bedrock = refusal.answer(Dialect::Bedrock);
        assert_eq!(
            bedrock.headers()["x-amzn-errortype"],
            "AccessDeniedException"
        );
        for refusal in [
            Refusal::NotRecorded("spool_full".to_owned()),
            Refusal::TooLong { max_bytes: 1 },
        ] {
            let message = body(&refusal, Dialect::Bedrock)["message"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(message.contains("[rule: mode.strict]"), "{message}");
        }
    }
}
