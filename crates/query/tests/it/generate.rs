//! Random events and random filters over one small vocabulary, so that they often meet.

use proptest::{collection::vec, option, prelude::*, sample::select};

const ACTORS: [&str; 3] = ["agent-1", "agent-2", "human"];
const ACTIONS: [&str; 4] = ["tools/call", "tools/list", "shell.exec", "open: \\u0041"];
const RESULTS: [&str; 3] = ["success", "failure", "error"];
const WORDS: [&str; 4] = ["rm -rf /", "Hello World", "caf\u{e9}", "42"];

/// Instants of events and ends of ranges, seconds since 1970.
pub(crate) const TIMES: std::ops::Range<i64> = 1_000_000_000..1_000_000_020;

fn member(
    name: &'static str,
    value: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<String> {
    option::of(value)
        .prop_map(move |value| value.map_or(String::new(), |value| format!(",\"{name}\":{value}")))
        .boxed()
}

fn text(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(of).prop_map(|text| format!("\"{text}\""))
}

fn number(of: std::ops::Range<i64>) -> impl Strategy<Value = String> {
    of.prop_map(|number| number.to_string())
}

fn object(members: Vec<BoxedStrategy<String>>) -> impl Strategy<Value = String> {
    members.prop_map(|members| format!("{{{}}}", members.concat().trim_start_matches(',')))
}

fn time() -> impl Strategy<Value = String> {
    // An hour apart as text, the same instant.
    (0..20_u32, any::<bool>()).prop_map(|(second, east)| {
        let second = 40 + second;
        if east {
            format!("\"2001-09-09T02:46:{second}+01:00\"")
        } else {
            format!("\"2001-09-09T01:46:{second}Z\"")
        }
    })
}

/// An event as JSON, without an id.
pub(crate) fn event() -> impl Strategy<Value = String> {
    event_at(time())
}

/// Numbers of which two do not fit into 64 bits, now and then.
fn figure() -> impl Strategy<Value = String> {
    let large = Just(i64::MAX.to_string());
    prop_oneof![8 => number(0..4), 4 => number(0..100_000), 2 => number(0..1 << 40), 1 => large]
}

/// An event as JSON, without an id, and with one of these times or none.
pub(crate) fn event_at(
    time: impl Strategy<Value = String> + 'static,
) -> impl Strategy<Value = String> {
    let usage = object(vec![
        member("provider", text(&["openai", "anthropic"])),
        member("model", text(&["gpt", "opus"])),
        member("input_tokens", figure()),
        member("output_tokens", number(0..4)),
        member("cache_read_tokens", number(0..300)),
        member("cache_write_tokens", number(0..70_000)),
        member("reasoning_tokens", number(0..4)),
        member("cost_nanousd", number(0..100_000_000)),
        member("prices", text(&["2026"])),
    ]);
    let approval = object(vec![
        member("decision", text(&["allowed", "denied"])),
        member("approver", text(&["auto", "ann"])),
        member("rule", text(&["r1"])),
        member("reason", text(&WORDS)),
        member("waited_us", number(0..3_000_000)),
    ]);
    let resource = object(vec![
        member("type", text(&["file", "host"])),
        member("id", text(&["/etc/passwd", "a*b"])),
    ]);
    let members: Vec<BoxedStrategy<String>> = vec![
        member("time", time),
        member("duration_us", figure()),
        member("job", text(&["j1", "j2", "\\u006a1"])),
        member(
            "initiator",
            object(vec![member("id", text(&["ann", "bob"]))]),
        ),
        member("project", text(&["p1", "p2"])),
        member("result", text(&RESULTS)),
        member(
            "status",
            select(vec![-7, 0, 199, 200, 201, 70_000]).prop_map(|status| status.to_string()),
        ),
        member("resource", resource),
        member("usage", usage),
        member("approval", approval),
        member("description", text(&WORDS)),
        member(
            "meta",
            object(vec![member("k", text(&WORDS)), member("n", number(0..3))]),
        ),
        member(
            "input",
            object(vec![member("n", number(0..3)), member("t", text(&WORDS))]),
        ),
        member("output", text(&WORDS)),
    ];
    (select(&ACTORS[..]), select(&ACTIONS[..]), members).prop_map(|(actor, action, members)| {
        let members = members.concat();
        format!("{{\"actor\":{{\"id\":\"{actor}\"}},\"action\":\"{action}\"{members}}}")
    })
}

const TERMS: [&str; 62] = [
    "actor:agent-1",
    "actor:agent-*",
    "actor:nobody",
    "actor.type:agent",
    "action:tools/*",
    "action:\"open: A\"",
    "action:*e*",
    "source:app",
    "source:system",
    "result:*",
    "result:failure",
    "result:(failure OR error)",
    "project:p1",
    "resource:/etc/*",
    "resource:a\\*b",
    "resource.type:file",
    "model:gpt",
    "model:*",
    "decision:denied",
    "role:*",
    "id:*",
    "id:e1",
    "id:e1*",
    "description:\"rm*\"",
    "seq>3",
    "seq:2..9",
    "seq<0",
    "seq>=99999999999999999999",
    "status>=200",
    "status:199",
    "duration:1s..2s",
    "duration<500ms",
    "cost>0.05",
    "cost:*",
    "tokens>=3",
    "tokens:0",
    "input_tokens:1",
    "waited>1s",
    "has:content",
    "has:input",
    "has:usage",
    "has:approval",
    "is:unapproved",
    "input.n:1",
    "meta.k:*",
    "output:\"42\"",
    "hello",
    "\"rm -rf\"",
    "rf",
    "\"-rf /\"",
    "caf\u{c9}",
    "42",
    "\"hello w*\"",
    "wor*",
    "nowhere",
    "2001",
    "has:output",
    "status:200",
    "status:-7",
    "input.t:\"Hello *\"",
    "meta.k:\"rm*/\"",
    "trace:none",
];

/// A filter as text.
pub(crate) fn filter() -> impl Strategy<Value = String> {
    let term = select(&TERMS[..]).prop_map(str::to_owned);
    let any = term.prop_recursive(3, 8, 3, |inner| {
        let join = |by: &'static str| {
            vec(inner.clone(), 2..4).prop_map(move |parts| format!("({})", parts.join(by)))
        };
        prop_oneof![
            join(" "),
            join(" OR "),
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
        ]
    });
    prop_oneof![1 => Just(String::new()), 9 => any]
}
