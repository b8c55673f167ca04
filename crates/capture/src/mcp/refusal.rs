//! Answers of ours, in the words of the protocol.

use hyper::StatusCode;
use serde_json::{Value as Json, json};

use super::message::Id;

/// A server error of an implementation's own (JSON-RPC 2.0, section 5.1).
const CODE: i32 = -32_000;

/// Why a request is answered by us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It could not be recorded, and must be.
    NotRecorded(String),
    /// It is longer than what can be recorded before it is passed on.
    TooLong { max_bytes: usize },
    /// The path names no server of the settings.
    UnknownServer { known: String },
    /// The token is none of an agent's.
    UnknownAgent,
    /// A page of a browser asks, and none is allowed to.
    Origin,
    /// The server cannot be reached.
    Unreachable(String),
    /// The client did not send its whole request.
    Incomplete,
}

impl Refusal {
    /// The rule that is named to the client and in the record.
    pub(super) fn rule(&self) -> &'static str {
        match self {
            Self::NotRecorded(_) | Self::TooLong { .. } => "mode.strict",
            Self::UnknownServer { .. } => "mcp.upstream",
            Self::UnknownAgent => "agent.token",
            Self::Origin => "mcp.allowed_origins",
            Self::Unreachable(_) => "upstream",
            Self::Incomplete => "request",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            // The answer is one of the protocol.
            Self::NotRecorded(_) | Self::TooLong { .. } => StatusCode::OK,
            Self::UnknownServer { .. } => StatusCode::NOT_FOUND,
            Self::UnknownAgent => StatusCode::UNAUTHORIZED,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
            Self::Incomplete => StatusCode::BAD_REQUEST,
        }
    }

    /// One sentence for people, with the rule's name.
    pub(super) fn message(&self) -> String {
        let what = match self {
            Self::NotRecorded(cause) => {
                format!("the request could not be recorded ({cause}), so it was not made")
            }
            Self::TooLong { max_bytes } => format!(
                "a request is recorded before it is made, and has at most {max_bytes} bytes for that"
            ),
            Self::UnknownServer { known } => {
                format!("the path begins with no server that is configured ({known})")
            }
            Self::UnknownAgent => "there is no token of a known agent".to_owned(),
            Self::Origin => "pages of this origin may not use the gateway".to_owned(),
            Self::Unreachable(reason) => format!("the server cannot be reached: {reason}"),
            Self::Incomplete => "the request did not arrive as a whole".to_owned(),
        };
        format!("Indelible: {what} [rule: {}]", self.rule())
    }

    /// The answer to a request: a tool that failed, which a model can read, else an error.
    pub(super) fn to_request(&self, id: &Id, method: &str) -> Json {
        let id = id.to_json();
        if method == "tools/call" {
            let content = json!([{"type": "text", "text": self.message()}]);
            let result = json!({"content": content, "isError": true, "resultType": "complete"});
            return json!({"jsonrpc": "2.0", "id": id, "result": result});
        }
        self.error(&id)
    }

    /// The answer to whatever it was.
    pub(super) fn to_anything(&self) -> Json {
        self.error(&Json::Null)
    }

    fn error(&self, id: &Json) -> Json {
        let data = json!({"rule": self.rule()});
        let error = json!({"code": CODE, "message": self.message(), "data": data});
        json!({"jsonrpc": "2.0", "id": id, "error": error})
    }
}
