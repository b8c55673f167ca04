//! Tokens, where each API says them.

use hyper::HeaderMap;
use serde_json::Value;

/// Most tokens that are believed: what every JSON reader reads exactly (RFC 8259, section 6). The log has room for sums.
const MAX_COUNT: u64 = 1 << 53;

/// What an answer says that it took. Nothing is counted here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Cached ones too.
    pub(crate) input: Option<u64>,
    /// Those of reasoning too.
    pub(crate) output: Option<u64>,
    pub(crate) cache_read: Option<u64>,
    pub(crate) cache_write: Option<u64>,
    /// Of `cache_write`, what is kept for an hour.
    pub(crate) cache_write_1h: Option<u64>,
    pub(crate) reasoning: Option<u64>,
}

impl Counts {
    fn some(self) -> Option<Self> {
        (self.input.is_some() || self.output.is_some()).then_some(self)
    }
}

/// `usage` of chat completions: cached and reasoning tokens are parts of the others.
pub(super) fn chat(usage: &Value) -> Option<Counts> {
    let input = |name| number(usage, &["prompt_tokens_details", name]);
    Counts {
        input: number(usage, &["prompt_tokens"]),
        output: number(usage, &["completion_tokens"]),
        // DeepSeek names it otherwise.
        cache_read: input("cached_tokens").or_else(|| number(usage, &["prompt_cache_hit_tokens"])),
        cache_write: input("cache_write_tokens"),
        cache_write_1h: None,
        reasoning: number(usage, &["completion_tokens_details", "reasoning_tokens"]),
    }
    .some()
}

/// `usage` of responses.
pub(super) fn responses(usage: &Value) -> Option<Counts> {
    let input = |name| number(usage, &["input_tokens_details", name]);
    Counts {
        input: number(usage, &["input_tokens"]),
        output: number(usage, &["output_tokens"]),
        cache_read: input("cached_tokens"),
        cache_write: input("cache_write_tokens"),
        cache_write_1h: None,
        reasoning: number(usage, &["output_tokens_details", "reasoning_tokens"]),
    }
    .some()
}

/// `usage` of messages: `input_tokens` are those that no cache has to do with.
pub(super) fn messages(usage: &Value) -> Option<Counts> {
    let read = number(usage, &["cache_read_input_tokens"]);
    let write = number(usage, &["cache_creation_input_tokens"]);
    Counts {
        input: with_cached(number(usage, &["input_tokens"]), read, write),
        output: number(usage, &["output_tokens"]),
        cache_read: read,
        cache_write: write,
        cache_write_1h: number(usage, &["cache_creation", "ephemeral_1h_input_tokens"]),
        reasoning: number(usage, &["output_tokens_details", "thinking_tokens"]),
    }
    .some()
}

/// `usageMetadata` of Gemini: thoughts are apart from candidates, cached tokens part of the prompt.
pub(super) fn generate(usage: &Value) -> Option<Counts> {
    let thoughts = number(usage, &["thoughtsTokenCount"]);
    let tools = number(usage, &["toolUsePromptTokenCount"]);
    Counts {
        input: sum(number(usage, &["promptTokenCount"]), tools),
        output: sum(number(usage, &["candidatesTokenCount"]), thoughts),
        cache_read: number(usage, &["cachedContentTokenCount"]),
        cache_write: None,
        cache_write_1h: None,
        reasoning: thoughts,
    }
    .some()
}

/// `usage` of Bedrock's converse: `inputTokens` are those that no cache has to do with.
pub(super) fn converse(usage: &Value) -> Option<Counts> {
    let either = |one, other| number(usage, &[one]).or_else(|| number(usage, &[other]));
    let read = either("cacheReadInputTokens", "cacheReadInputTokenCount");
    let write = either("cacheWriteInputTokens", "cacheWriteInputTokenCount");
    let details = usage.get("cacheDetails").and_then(Value::as_array);
    let hour = details
        .into_iter()
        .flatten()
        .filter(|detail| detail.get("ttl").and_then(Value::as_str) == Some("1h"));
    Counts {
        input: with_cached(number(usage, &["inputTokens"]), read, write),
        output: number(usage, &["outputTokens"]),
        cache_read: read,
        cache_write: write,
        cache_write_1h: hour
            .filter_map(|detail| number(detail, &["inputTokens"]))
            .reduce(u64::saturating_add),
        reasoning: None,
    }
    .some()
}

/// `usage` of embeddings: some say only the total, which is all input.
pub(super) fn embeddings(usage: &Value) -> Option<Counts> {
    let input = number(usage, &["prompt_tokens"]);
    Counts {
        input: input.or_else(|| number(usage, &["total_tokens"])),
        ..Counts::default()
    }
    .some()
}

/// `inputTextTokenCount` of Titan's embeddings.
pub(super) fn titan(count: &Value) -> Option<Counts> {
    Counts {
        input: number(count, &[]),
        ..Counts::default()
    }
    .some()
}

/// What Bedrock says of any model that is invoked, in headers of the answer.
pub(super) fn invoked(headers: &HeaderMap) -> Option<Counts> {
    let number = |name| -> Option<u64> {
        let count = headers.get(name)?.to_str().ok()?.parse().ok();
        count.filter(|count| *count <= MAX_COUNT)
    };
    Counts {
        input: number("x-amzn-bedrock-input-token-count"),
        output: number("x-amzn-bedrock-output-token-count"),
        ..Counts::default()
    }
    .some()
}

/// A whole number that is not negative, at the end of a path of members. What no answer can have taken is not said.
fn number(value: &Value, path: &[&str]) -> Option<u64> {
    path.iter()
        .try_fold(value, |value, name| value.get(*name))?
        .as_u64()
        .filter(|count| *count <= MAX_COUNT)
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (None, other) => other,
        (one, other) => one.map(|one| one.saturating_add(other.unwrap_or(0))),
    }
}

fn with_cached(input: Option<u64>, read: Option<u64>, write: Option<u64>) -> Option<u64> {
    input.map(|input| {
        let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
        input.saturating_add(cached)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_are_counted_once() {
        let counts = chat(&json!({
            "prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 256}
        }))
        .unwrap();
        assert_eq!(
            (
                counts.input,
                counts.cache_read,
                counts.output,
                counts.reasoning
            ),
            (Some(2006), Some(1920), Some(300), Some(256))
        );
        let counts = messages(&json!({
            "input_tokens": 21, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 5,
            "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40}
        }))
        .unwrap();
        assert_eq!(
            (counts.input, counts.cache_write, counts.cache_write_1h),
            (Some(1121), Some(100), Some(40))
        );
        let counts = generate(&json!({
            "promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 3
        }))
        .unwrap();
        assert_eq!(
            (counts.input, counts.output, counts.reasoning),
            (Some(13), Some(12), Some(7))
        );
        let counts = converse(&json!({
            "inputTokens": 10, "outputTokens": 2, "totalTokens": 1012, "cacheReadInputTokens": 1000,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 7}, {"ttl": "5m", "inputTokens": 3}]
        }))
        .unwrap();
        assert_eq!((counts.input, counts.cache_write_1h), (Some(1010), Some(7)));
    }

    #[test]
    fn what_embeds_has_input_alone() {
        for usage in [
            json!({"prompt_tokens": 8, "total_tokens": 8}),
            json!({"total_tokens": 8}),
        ] {
            let counts = embeddings(&usage).unwrap();
            assert_eq!((counts.input, counts.output), (Some(8), None));
        }
    }

    #[test]
    fn what_cannot_be_is_not_said() {
        let counts = chat(&json!({"prompt_tokens": u64::MAX, "completion_tokens": 1})).unwrap();
        assert_eq!((counts.input, counts.output), (None, Some(1)));
        assert_eq!(
            chat(&json!({"prompt_tokens": 1_u64 << 54, "completion_tokens": -1})),
            None
        );
    }

    #[test]
    fn nothing_said_is_nothing_and_not_zero() {
        assert_eq!(invoked(&HeaderMap::new()), None);
        for read in [chat, responses, messages, generate, converse, embeddings] {
            for nothing in [
                json!(null),
                json!({}),
                json!({"input_tokens": null}),
                json!([1]),
                json!("x"),
            ] {
                assert_eq!(read(&nothing), None);
            }
        }
        let only_input = messages(&json!({"input_tokens": 3})).unwrap();
        assert_eq!((only_input.input, only_input.output), (Some(3), None));
        assert_eq!(
            chat(&json!({"prompt_tokens": -1, "completion_tokens": 1.5})),
            None
        );
    }
}
