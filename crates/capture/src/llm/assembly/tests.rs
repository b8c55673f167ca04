use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    llm::usage::Counts,
    stream::{ArrayElements, SseEvents},
};

const CHAT: &str = include_str!("../../../fixtures/llm/openai_chat.sse");
const CHAT_TOOLS: &str = include_str!("../../../fixtures/llm/openai_chat_tools.sse");
const RESPONSES: &str = include_str!("../../../fixtures/llm/openai_responses.sse");
const MESSAGES: &str = include_str!("../../../fixtures/llm/anthropic_messages.sse");
const MESSAGES_ERROR: &str = include_str!("../../../fixtures/llm/anthropic_error.sse");
const GEMINI: &str = include_str!("../../../fixtures/llm/gemini.sse");
const GEMINI_ARRAY: &str = include_str!("../../../fixtures/llm/gemini_array.json");
const CONVERSE: &str = include_str!("../../../fixtures/llm/bedrock_converse.jsonl");

/// Streams over server-sent events, and their APIs.
const STREAMS: [(Api, &str); 6] = [
    (Api::Chat, CHAT),
    (Api::Chat, CHAT_TOOLS),
    (Api::Responses, RESPONSES),
    (Api::Messages, MESSAGES),
    (Api::Messages, MESSAGES_ERROR),
    (Api::Generate { streams: true }, GEMINI),
];

fn assembled(api: Api, stream: &str, step: usize) -> Assembled {
    let mut assembly = Assembly::new(api).unwrap();
    let mut events = SseEvents::default();
    for piece in stream.as_bytes().chunks(step) {
        events.push(piece, |name, data| {
            assembly.event(std::str::from_utf8(name).unwrap(), data);
        });
    }
    assembly.finish()
}

fn whole(api: Api, stream: &str) -> (Value, Assembled) {
    let mut assembled = assembled(api, stream, usize::MAX);
    let output = assembled.output.take().unwrap();
    assert!(!assembled.is_cut);
    (output, assembled)
}

fn counts(input: u64, output: u64, cache_read: u64) -> Counts {
    Counts {
        input: Some(input),
        output: Some(output),
        cache_read: Some(cache_read),
        ..Counts::default()
    }
}

#[test]
fn chat_chunks_are_one_completion() {
    let (output, told) = whole(Api::Chat, CHAT);
    assert_eq!(output["object"], "chat.completion");
    assert_eq!(
        output["choices"],
        json!([{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "The capital of France is Paris – \"Ville Lumière\".", "refusal": null},
            "logprobs": null
        }])
    );
    assert_eq!(output.get("obfuscation"), None);
    assert_eq!(
        told.counts,
        Some(Counts {
            reasoning: Some(0),
            ..counts(2006, 11, 1920)
        })
    );
    assert_eq!(
        (told.model.as_deref(), told.is_complete, told.error),
        (Some("gpt-4o-2024-08-06"), true, None)
    );
    let (output, told) = whole(Api::Chat, CHAT_TOOLS);
    assert_eq!(
        output["choices"][0]["message"]["tool_calls"],
        json!([
            {"id": "call_7yQ", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}},
            {"id": "call_8zR", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
        ])
    );
    assert_eq!(told.counts.unwrap().reasoning, Some(256));
}

#[test]
fn a_server_without_a_last_event_has_ended_when_all_choices_have() {
    let stream = "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n";
    assert!(!assembled(Api::Chat, stream, 100).is_complete);
    let stream = format!(
        "{stream}data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"length\"}}]}}\n\n"
    );
    assert!(assembled(Api::Chat, &stream, 100).is_complete);
    let stream = "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n";
    assert_eq!(
        assembled(Api::Chat, stream, 100).error.as_deref(),
        Some("out of memory")
    );
}

#[test]
fn responses_end_with_the_whole_response() {
    let (output, told) = whole(Api::Responses, RESPONSES);
    assert_eq!(output["status"], "completed");
    assert_eq!(output["output"][1]["content"][0]["text"], "Hello there!");
    assert_eq!(
        told.counts,
        Some(Counts {
            reasoning: Some(192),
            ..counts(1376, 204, 1280)
        })
    );
    assert!(told.is_complete);
    // Cut off in the middle of the message.
    let (cut, _) = RESPONSES
        .split_once("event: response.output_text.done")
        .unwrap();
    let (output, told) = whole(Api::Responses, cut);
    assert_eq!(
        output["output"][1]["content"],
        json!([{"type": "output_text", "text": "Hello there!"}])
    );
    assert_eq!((told.counts, told.is_complete), (None, false));
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"it broke\"}}}\n\n";
    let (_, told) = whole(Api::Responses, failed);
    assert_eq!(
        (told.error.as_deref(), told.is_complete),
        (Some("it broke"), true)
    );
    let error = "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit\",\"message\":\"slow down\"}\n\n";
    assert_eq!(
        assembled(Api::Responses, error, 9).error.as_deref(),
        Some("slow down")
    );
}

#[test]
fn messages_have_their_blocks_and_cumulative_counts() {
    let (output, told) = whole(Api::Messages, MESSAGES);
    assert_eq!(
        output["content"],
        json!([
            {"type": "thinking", "thinking": "Weather is needed.", "signature": "EqQBCgIYAhIM"},
            {"type": "text", "text": "I will look that up."},
            {"type": "tool_use", "id": "toolu_01T1", "name": "get_weather", "input": {"location": "San Francisco, CA"}}
        ])
    );
    assert_eq!(
        (&output["stop_reason"], &output["usage"]["output_tokens"]),
        (&json!("tool_use"), &json!(89))
    );
    let expected = Counts {
        cache_write: Some(188),
        cache_write_1h: Some(100),
        ..counts(21 + 188 + 1510, 89, 1510)
    };
    assert_eq!((told.counts, told.is_complete), (Some(expected), true));
    let (output, told) = whole(Api::Messages, MESSAGES_ERROR);
    assert_eq!(told.error.as_deref(), Some("Overloaded"));
    assert_eq!(output["content"][0]["thinking"], "Weather is needed.");
    assert_eq!(
        told.counts.unwrap().output,
        Some(1),
        "what was said before the end is kept"
    );
    let (cut, _) = MESSAGES.split_once("ncisco, CA").unwrap();
    let cut = format!("{cut}\"}}}}\n\n");
    let (output, told) = whole(Api::Messages, &cut);
    assert_eq!(
        output["content"][2]["input"], "{\"location\": \"San Fra",
        "what came of a tool's input is kept as it is"
    );
    assert!(!told.is_complete);
}

#[test]
fn gemini_streams_alike_in_both_forms() {
    let (output, told) = whole(Api::Generate { streams: true }, GEMINI);
    assert_eq!(
        output["candidates"][0]["content"]["parts"],
        json!([
            {"text": "**Thinking** hard", "thought": true},
            {"text": "Paris is the capital."},
            {"functionCall": {"name": "find", "args": {"q": "Paris"}}, "thoughtSignature": "CiQB"}
        ])
    );
    assert_eq!(output["candidates"][0]["finishReason"], "STOP");
    assert_eq!(
        told.counts,
        Some(Counts {
            reasoning: Some(84),
            ..counts(1041, 96, 1000)
        })
    );
    assert_eq!(
        (told.model.as_deref(), told.is_complete),
        (Some("gemini-2.5-flash"), true)
    );
    let mut assembly = Assembly::new(Api::Generate { streams: true }).unwrap();
    let mut elements = ArrayElements::default();
    elements.push(GEMINI_ARRAY.as_bytes(), |element| {
        assembly.event("", element);
    });
    assert_eq!(assembly.finish().output, Some(output));
    let error = "data: {\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}\n\n";
    let told = assembled(Api::Generate { streams: true }, error, 100);
    assert_eq!(
        (told.error.as_deref(), told.is_complete),
        (Some("The model is overloaded."), false)
    );
}

#[test]
fn converse_blocks_have_the_form_of_whole_ones() {
    let mut assembly = Assembly::new(Api::Converse { streams: true }).unwrap();
    for line in CONVERSE.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assembly.event(
            event["type"].as_str().unwrap(),
            event["payload"].to_string().as_bytes(),
        );
    }
    let told = assembly.finish();
    assert_eq!(
        told.output.unwrap()["output"]["message"],
        json!({"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "EuYB"}}},
            {"text": "Hello, world"},
            {"toolUse": {"toolUseId": "tooluse_kZJM", "name": "top_song", "input": {"sign": "WZPZ"}}}
        ]})
    );
    assert_eq!(
        (told.counts, told.is_complete),
        (
            Some(Counts {
                cache_write: Some(0),
                ..counts(1125, 60, 1000)
            }),
            true
        )
    );
}

#[test]
fn memory_is_bounded_whatever_streams() {
    let chunk = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "x".repeat(100_000)
    );
    let mut assembly = Assembly::new(Api::Chat).unwrap();
    let mut events = SseEvents::default();
    for _ in 0..200 {
        events.push(chunk.as_bytes(), |_, data| assembly.event("", data));
    }
    let usage =
        b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    events.push(usage, |_, data| assembly.event("", data));
    let told = assembly.finish();
    assert!(told.is_cut);
    assert!(told.output.unwrap().to_string().len() <= MAX_TEXT_BYTES + 1_000);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(which in 0_usize..STREAMS.len(), step in 1_usize..700) {
        let (api, stream) = STREAMS[which];
        prop_assert_eq!(assembled(api, stream, step), assembled(api, stream, usize::MAX));
    }

    /// A stream that is cut anywhere is never whole, but for its very end, and what it said is a part of the whole.
    #[test]
    fn a_cut_stream_is_not_complete(which in 0_usize..STREAMS.len(), at in 0_usize..2_000) {
        let (api, stream) = STREAMS[which];
        let at = stream.floor_char_boundary(at.min(stream.len() * 2 / 3));
        prop_assert!(!assembled(api, &stream[..at], usize::MAX).is_complete);
    }
}

#[test]
fn what_a_tool_is_called_with_keeps_its_digits() {
    let plain = r#"{"b": [1, 2.5], "a": {"n": -3}}"#;
    assert_eq!(tool_input(plain), json!({"a": {"n": -3}, "b": [1, 2.5]}));
    for text in [
        r#"{"id":12345678901234567890123}"#,
        r#"{"price":1.50}"#,
        r#"{"x":1e400}"#,
        r#"{"n":1,"n":2}"#,
        r#"{"cut":"#,
    ] {
        assert_eq!(tool_input(text), json!(text));
    }
}
