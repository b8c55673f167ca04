//! Which members of a message are looked at.

/// Longest path that is looked at.
pub(super) const MAX_PATH: usize = 3;

/// A member that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mcp) enum Slot {
    Id,
    Method,
    Params,
    Result,
    Error,
    /// `params.name`, of a tool or prompt.
    Name,
    Uri,
    TaskId,
    Arguments,
    /// What a client answers in a later round.
    InputResponses,
    RequestState,
    ProtocolVersion,
    ClientInfo,
    /// Of a request, to which progress refers.
    AskedProgress,
    Progress,
    Cancelled,
    Reason,
    Traceparent,
    /// Claude Code's name of the call.
    ToolUseId,
    IsError,
    ResultType,
    ServerInfo,
    NegotiatedVersion,
    ResultState,
    InputRequests,
    /// What a person answered to an elicitation.
    Answer,
    ErrorCode,
    ErrorMessage,
    /// One element of `result.tools`.
    Tool,
}

/// How much of a member is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// So many bytes.
    Bytes(usize),
    /// Redacted, hashed, cut.
    Payload,
    /// Only whether it is the same.
    Digest,
    Definition,
}

impl Slot {
    /// What is at a path below a message. Elements of arrays have an empty name.
    pub(super) fn at(path: &[Vec<u8>]) -> Option<Self> {
        let mut names = path.iter().map(Vec::as_slice);
        let names = [names.next(), names.next(), names.next(), names.next()];
        Some(match names {
            [Some(first), None, ..] => match first {
                b"id" => Self::Id,
                b"method" => Self::Method,
                b"params" => Self::Params,
                b"result" => Self::Result,
                b"error" => Self::Error,
                _ => return None,
            },
            [Some(b"params"), Some(second), None, _] => match second {
                b"name" => Self::Name,
                b"uri" => Self::Uri,
                b"taskId" => Self::TaskId,
                b"arguments" => Self::Arguments,
                b"inputResponses" => Self::InputResponses,
                b"requestState" => Self::RequestState,
                b"protocolVersion" => Self::ProtocolVersion,
                b"clientInfo" => Self::ClientInfo,
                b"progressToken" => Self::Progress,
                b"requestId" => Self::Cancelled,
                b"reason" => Self::Reason,
                _ => return None,
            },
            [Some(b"params"), Some(b"_meta"), Some(third), None] => match third {
                b"progressToken" => Self::AskedProgress,
                b"traceparent" => Self::Traceparent,
                b"claudecode/toolUseId" => Self::ToolUseId,
                b"io.modelcontextprotocol/protocolVersion" => Self::ProtocolVersion,
                b"io.modelcontextprotocol/clientInfo" => Self::ClientInfo,
                _ => return None,
            },
            [Some(b"result"), Some(second), None, _] => match second {
                b"isError" => Self::IsError,
                b"resultType" => Self::ResultType,
                b"serverInfo" => Self::ServerInfo,
                b"protocolVersion" => Self::NegotiatedVersion,
                b"requestState" => Self::ResultState,
                b"inputRequests" => Self::InputRequests,
                b"action" => Self::Answer,
                _ => return None,
            },
            [Some(b"result"), Some(b"_meta"), Some(third), None]
                if third == b"io.modelcontextprotocol/serverInfo" =>
            {
                Self::ServerInfo
            }
            [Some(b"result"), Some(b"tools"), Some(b""), None] => Self::Tool,
            [Some(b"error"), Some(b"code"), None, _] => Self::ErrorCode,
            [Some(b"error"), Some(b"message"), None, _] => Self::ErrorMessage,
            _ => return None,
        })
    }

    pub(super) fn keep(self) -> Keep {
        match self {
            Self::Params | Self::Arguments | Self::Result | Self::Error | Self::InputResponses => {
                Keep::Payload
            }
            Self::RequestState | Self::ResultState => Keep::Digest,
            Self::Tool => Keep::Definition,
            Self::ClientInfo | Self::ServerInfo => Keep::Bytes(16 << 10),
            Self::InputRequests => Keep::Bytes(64 << 10),
            _ => Keep::Bytes(4 << 10),
        }
    }

    /// Whether it says what a message is, and not what it holds.
    pub(super) fn is_head(self) -> bool {
        matches!(self, Self::Id | Self::Method | Self::ResultType)
    }
}
