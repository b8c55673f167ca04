//! What a request is for, told from its path.
//!
//! `/<provider>/<the provider's own path>`, with `/-job/<job>` in front where a client can set a base URL and no headers.

use hyper::Method;

use crate::http::{decoded, named};

/// A path taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The job named in front of the provider.
    pub(super) job: Option<String>,
    /// Name in the settings.
    pub(super) provider: String,
    /// What the provider sees, with a slash in front, without the query.
    pub(super) path: String,
    pub(super) query: Option<String>,
}

/// An operation that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// OpenAI chat completions, and everything that is compatible with it.
    Chat,
    /// OpenAI responses.
    Responses,
    /// Anthropic messages.
    Messages,
    /// Gemini.
    Generate { streams: bool },
    /// OpenAI embeddings, and everything that is compatible with them.
    Embeddings,
    /// Gemini's embeddings, of one text or of several.
    EmbedContent,
    /// Bedrock converse.
    Converse { streams: bool },
    /// Bedrock invoke, with the bodies of the model's maker: Anthropic's are understood as a whole, of others the tokens.
    Invoke { streams: bool },
    /// Anything else: passed on and recorded as a plain call.
    Other,
}

/// The error format that a client understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
    Bedrock,
}

impl Route {
    /// `None` if the path names no provider.
    pub(super) fn parse(path: &str, query: Option<&str>) -> Option<Self> {
        let (job, provider, path) = named(path)?;
        Some(Self {
            job,
            provider: provider.to_owned(),
            path: path.to_owned(),
            query: query.map(ToOwned::to_owned),
        })
    }

    /// Whether a `WebSocket` at this path carries calls of responses.
    pub(super) fn carries_responses(&self, base: &str) -> bool {
        is_responses(format!("{base}{}", self.path).trim_end_matches('/'))
    }

    /// The operation, and the model if the path has it. `base` is the path of the provider's URL.
    pub(super) fn api(&self, method: &Method, base: &str) -> (Api, Option<String>) {
        if *method != Method::POST {
            return (Api::Other, None);
        }
        let path = format!("{base}{}", self.path);
        let path = path.trim_end_matches('/');
        if path.ends_with("/chat/completions") {
            return (Api::Chat, None);
        }
        if path.ends_with("/embeddings") {
            return (Api::Embeddings, None);
        }
        if is_responses(path) {
            return (Api::Responses, None);
        }
        if path.ends_with("/v1/messages") {
            return (Api::Messages, None);
        }
        gemini(path)
            .or_else(|| bedrock(path))
            .unwrap_or((Api::Other, None))
    }
}

impl Api {
    /// Member `action`; `None` for a plain call.
    pub(super) fn action(self) -> Option<&'static str> {
        match self {
            Self::Chat => Some("chat.completions"),
            Self::Responses => Some("responses.create"),
            Self::Messages => Some("messages.create"),
            Self::Generate { .. } => Some("generateContent"),
            Self::Embeddings => Some("embeddings.create"),
            Self::EmbedContent => Some("embedContent"),
            Self::Converse { .. } => Some("converse"),
            Self::Invoke { .. } => Some("invokeModel"),
            Self::Other => None,
        }
    }
}

impl Api {
    /// Whether it is the path that asks for a stream.
    pub(super) fn streams(self) -> bool {
        match self {
            Self::Generate { streams } | Self::Converse { streams } | Self::Invoke { streams } => {
                streams
            }
            Self::Chat
            | Self::Responses
            | Self::Messages
            | Self::Embeddings
            | Self::EmbedContent
            | Self::Other => false,
        }
    }

    /// Whether the answer of a model is vectors, for which nobody counts tokens of output.
    pub(super) fn embeds(self, model: Option<&str>) -> bool {
        match self {
            Self::Embeddings | Self::EmbedContent => true,
            Self::Invoke { .. } => model.is_some_and(|model| model.contains("embed")),
            _ => false,
        }
    }
}

impl Dialect {
    /// By the operation, else by what the provider is called.
    pub(super) fn of(api: Api, provider: &str) -> Self {
        match api {
            Api::Chat | Api::Responses | Api::Embeddings => Self::OpenAi,
            Api::Messages => Self::Anthropic,
            Api::Generate { .. } | Api::EmbedContent => Self::Gemini,
            Api::Converse { .. } | Api::Invoke { .. } => Self::Bedrock,
            Api::Other => match provider {
                "anthropic" => Self::Anthropic,
                "gemini" | "google" => Self::Gemini,
                "bedrock" => Self::Bedrock,
                _ => Self::OpenAi,
            },
        }
    }
}

fn is_responses(path: &str) -> bool {
    path.ends_with("/v1/responses") || path.ends_with("/openai/responses")
}

/// `…/models/<model>:generateContent`.
fn gemini(path: &str) -> Option<(Api, Option<String>)> {
    let (before, verb) = path.rsplit_once(':')?;
    let api = match verb {
        "generateContent" => Api::Generate { streams: false },
        "streamGenerateContent" => Api::Generate { streams: true },
        "embedContent" | "batchEmbedContents" => Api::EmbedContent,
        _ => return None,
    };
    let (_, model) = before.rsplit_once('/')?;
    Some((api, Some(decoded(model))))
}

/// `…/model/<model>/<operation>`; a model may be an ARN with slashes, which come escaped.
fn bedrock(path: &str) -> Option<(Api, Option<String>)> {
    let (before, operation) = path.rsplit_once('/')?;
    let api = match operation {
        "converse" => Api::Converse { streams: false },
        "converse-stream" => Api::Converse { streams: true },
        "invoke" => Api::Invoke { streams: false },
        "invoke-with-response-stream" => Api::Invoke { streams: true },
        _ => return None,
    };
    let (_, model) = before.rsplit_once("/model/")?;
    Some((api, Some(decoded(model))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(path: &str) -> (Api, Option<String>) {
        Route::parse(path, None).unwrap().api(&Method::POST, "")
    }

    #[test]
    fn paths_name_provider_job_and_operation() {
        let route = Route::parse("/-job/a%2Fb/openai/v1/models", Some("x=1")).unwrap();
        assert_eq!(
            (
                route.job.as_deref(),
                route.provider.as_str(),
                route.path.as_str()
            ),
            (Some("a/b"), "openai", "/v1/models")
        );
        assert_eq!(Route::parse("/openai", None).unwrap().path, "");
        for path in ["", "/", "//x", "openai/v1", "/-job", "/-job/x", "/-job/x/"] {
            assert_eq!(Route::parse(path, None), None, "{path}");
        }
    }

    #[test]
    fn operations_are_told_by_the_end_of_the_path() {
        assert_eq!(api("/openai/v1/chat/completions").0, Api::Chat);
        assert_eq!(
            api("/azure/openai/deployments/d/chat/completions").0,
            Api::Chat
        );
        assert_eq!(api("/openai/v1/responses/").0, Api::Responses);
        assert_eq!(api("/openai/v1/embeddings").0, Api::Embeddings);
        assert_eq!(
            api("/gemini/v1beta/models/gemini-embedding-001:batchEmbedContents"),
            (Api::EmbedContent, Some("gemini-embedding-001".to_owned()))
        );
        let invoke = Api::Invoke { streams: false };
        assert!(invoke.embeds(Some("amazon.titan-embed-text-v2:0")));
        assert!(!invoke.embeds(Some("meta.llama3")) && !Api::Chat.embeds(Some("embed")));
        assert_eq!(api("/openai/v1/responses/resp_1/cancel").0, Api::Other);
        assert_eq!(api("/anthropic/v1/messages").0, Api::Messages);
        assert_eq!(api("/anthropic/v1/messages/count_tokens").0, Api::Other);
        assert_eq!(api("/openai/v1/threads/t/messages").0, Api::Other);
        assert_eq!(
            api("/gemini/v1beta/models/gemini-2.5-pro:streamGenerateContent"),
            (
                Api::Generate { streams: true },
                Some("gemini-2.5-pro".to_owned())
            )
        );
        assert_eq!(
            api("/bedrock/model/arn%3Aaws%3Abedrock%3A%3A1%3Aprofile%2Fx/converse"),
            (
                Api::Converse { streams: false },
                Some("arn:aws:bedrock::1:profile/x".to_owned())
            )
        );
        assert_eq!(
            api("/bedrock/model/m/invoke-with-response-stream").0,
            Api::Invoke { streams: true }
        );
        let behind = Route::parse("/mine/responses", None).unwrap();
        assert_eq!(behind.api(&Method::POST, "/x/v1").0, Api::Responses);
        let get = Route::parse("/openai/v1/chat/completions", None).unwrap();
        assert_eq!(get.api(&Method::GET, "").0, Api::Other);
    }
}
