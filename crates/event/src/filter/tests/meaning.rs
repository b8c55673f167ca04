use crate::{
    RecordView,
    filter::{Filter, TextField, parse},
};

const RECORD: &str = concat!(
    r#"{"v":1,"id":"evt-77","seq":41,"recorded_at":"2026-01-02T03:04:05.000006Z","#,
    r#""time":"2026-01-02T03:04:05Z","duration_us":1500000,"project":"Apollo","#,
    r#""actor":{"type":"agent","id":"agent-7","name":"Zo\u00eb","role":"ops","ip":"10.0.0.1","auth":"key"},"#,
    r#""source":"mcp","action":"tools/call","resource":{"type":"tool","id":"github/create_issue"},"#,
    r#""result":"failure","status":404,"#,
    r#""usage":{"provider":"anthropic","model":"m*1","input_tokens":10,"output_tokens":5,"cost_nanousd":50000001},"#,
    r#""via":{"key":"viakey","ip":"10.9.9.9"},"description":"Ran node-07, version 1.0","#,
    r#""meta":{"a.b":"dotted","n":1.0,"big":9007199254740993,"e":1E2,"team":{"on-call":"Ann"}},"#,
    r#""content":{"bytes":99,"type":"application/json"}}"#,
);

const CONTENT: &str = concat!(
    r#"{"input":{"path":"\/etc\/passwd","tags":["red","blue",["deep"]],"n":1,"s":"1","f":1.50,"#,
    r#""dup":"first","dup":"last","x":null,"ok":true,"empty":[],"obj":{"k":"v"},"#,
    r#""items":[{"id":1},{"id":2}],"\u0070lain":"escaped name","command":"sudo rm -rf \/"},"#,
    r#""stdout":"caf\u00c9 42.50 \ud800 done"}"#,
);

fn matches(filter: &str) -> bool {
    let filter = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
    let record = RecordView::parse(RECORD.as_bytes()).unwrap();
    filter.matches(&record, Some(CONTENT.as_bytes()))
}

fn check(yes: &[&str], no: &[&str]) {
    for filter in yes {
        assert!(matches(filter), "{filter} should match");
    }
    for filter in no {
        assert!(!matches(filter), "{filter} should not match");
    }
}

#[test]
fn fields_are_whole_values_byte_for_byte() {
    check(
        &[
            "actor:agent-7",
            "ACTOR:agent-7",
            "Actor.Type:agent",
            "actor:\"agent-7\"",
            "actor.name:Zoë",
            "role:ops ip:10.0.0.1 auth:key",
            "source:mcp action:tools/call",
            "resource:github/create_issue resource.type:tool",
            "project:Apollo id:evt-77",
            "provider:anthropic",
            "description:\"Ran node-07, version 1.0\"",
        ],
        &[
            "actor:agent",
            "actor:AGENT-7",
            "project:apollo",
            "initiator:agent-7",
            "actor:\"\"",
        ],
    );
}

#[test]
fn stars_are_wildcards_in_quotes_too() {
    check(
        &[
            "action:tools/*",
            "action:\"tools/*\"",
            "action:*call",
            "action:t*s*l",
            r"model:m\*1",
            r#"model:"m\*1""#,
            "model:m*1",
            "input.path:\"/etc/*\"",
        ],
        &["action:tool/*", r"action:tools/\*", "actor:agent-7*x"],
    );
}

#[test]
fn a_star_alone_is_presence() {
    check(
        &[
            "result:*",
            "status:*",
            "cost:*",
            "tokens:*",
            "input.path:*",
            "meta.team:*",
            "seq:*",
        ],
        &[
            "job:*",
            "waited:*",
            "cache_read_tokens:*",
            "input.none:*",
            "resource.name:*",
            "output:*",
        ],
    );
}

#[test]
fn numbers_compare_exactly() {
    check(
        &[
            "status:404",
            "status>=404",
            "status<=404",
            "status>403.5",
            "status:400..404",
            "status:404..499",
            "status:404.0",
            "status:4.04e2",
            "seq:41",
            "seq<1e400",
            "cost>0.05",
            "cost:0.050000001",
            "cost<0.0500000011",
            "cost>=0.05000000099",
            "duration:1.5s",
            "duration:1s..5m",
            "duration:1500ms",
            "duration:1500000us",
            "duration<0.1h",
            "duration>0.02m",
            "tokens:15",
            "input_tokens:10",
        ],
        &[
            "status>404",
            "status<404",
            "status:404.5",
            "status:405..499",
            "cost<=0.05",
            "cost:0.05",
            "cost>0.0500000010",
            "duration>1.5s",
            "duration:1.5000001s",
            "reasoning_tokens>=0",
            "waited<1s",
        ],
    );
}

#[test]
fn operators_bind_as_written() {
    check(
        &[
            "source:mcp OR source:llm actor:none",
            "actor:none source:llm OR source:mcp",
            "(source:llm OR source:mcp) actor:agent-7",
            "NOT source:llm source:mcp",
            "NOT source:llm AND source:mcp",
            "-source:llm",
            "NOT NOT source:mcp",
            "-(source:llm OR actor:none)",
            "result:(failure OR error)",
            "result:(-error)",
            "status:(400..403 OR 404)",
            "actor:(agent* *7)",
            "has:(input usage)",
            "",
            "   ",
        ],
        &[
            "(source:mcp OR source:llm) actor:none",
            "NOT (source:llm OR source:mcp)",
            "result:(success OR error)",
            "-result:(failure OR error)",
            "source:mcp AND actor:none",
        ],
    );
}

#[test]
fn not_is_the_complement() {
    check(
        &[
            "-job:x",
            "-job:*",
            "-waited>1s",
            "-input.none:1",
            "-meta.none>1",
            "-initiator:agent-7",
        ],
        &["-status>1", "-result:*"],
    );
}

#[test]
fn parts_of_an_event() {
    check(
        &[
            "has:content",
            "has:input",
            "has:usage",
            "is:unapproved",
            "-has:approval",
        ],
        &["has:output", "has:approval", "-is:unapproved"],
    );
}

#[test]
fn paths_into_content_and_meta() {
    check(
        &[
            "input.path:/etc/passwd",
            "input.n:1",
            "input.n:1.0",
            "input.n:\"1\"",
            "input.n<=1",
            "meta.n:1",
            "meta.big:9007199254740993",
            "meta.big>9007199254740992",
            "meta.e:100",
            "meta.e:\"1E2\"",
            "input.f:1.5",
            "input.f:\"1.50\"",
            "input.f:1.5*",
            "input.s:\"1\"",
            "input.ok:true",
            "input.x:null",
            "input.x:*",
            "input.empty:*",
            "input.tags:blue",
            "input.tags:deep",
            "input.items.id:2",
            "input.items.id:2..9",
            "input.dup:last",
            "input.plain:\"escaped name\"",
            "meta.\"a.b\":dotted",
            "meta.team.on-call:Ann",
            "INPUT.obj.k:v",
        ],
        &[
            "input.s:1",
            "input.s>0",
            "meta.big:9007199254740992",
            "meta.e:\"100\"",
            "input.f:\"1.5\"",
            "input.ok:1",
            "input.empty:x",
            "input.tags:green",
            "input.items.id:3",
            "input.dup:first",
            "input.Path:*",
            "meta.a.b:dotted",
            "input.obj:v",
            "output.path:*",
            "input.path.deeper:*",
        ],
    );
}

#[test]
fn free_text_is_found_in_values() {
    check(
        &[
            "\"rm -rf\"",
            "\"RM -RF\"",
            "passwd",
            "/etc/passwd",
            "node-07",
            "1.0",
            "404",
            "50000001",
            "café",
            "\"CAFÉ 42.50\"",
            "zoë",
            "anthropic apollo",
            "sudo OR nothing",
            "escaped",
            "*",
            "pass*",
            "\"sudo * /\"",
            "\u{fffd}",
            "deep",
        ],
        &[
            "pass",
            "\"m -rf\"",
            "\"rm rf\"",
            "\"anthropic apollo\"",
            "command",
            "stdout",
            "viakey",
            "10.9.9.9",
            "application/json",
            "99",
            "41",
            "true",
            "null",
            "\"node 07\"",
            "-sudo",
            "red-blue",
        ],
    );
}

#[test]
fn content_is_not_looked_at_without_its_bytes() {
    let record = RecordView::parse(RECORD.as_bytes()).unwrap();
    for (text, expected) in [
        ("has:content", true),
        ("has:input", false),
        ("input.n:*", false),
        ("sudo", false),
        ("-sudo", true),
    ] {
        assert_eq!(
            parse(text).unwrap().matches(&record, None),
            expected,
            "{text}"
        );
    }
}

#[test]
fn tells_whether_content_matters() {
    for (text, expected) in [
        ("", false),
        ("actor:x -meta.a:1 cost>1 has:content is:unapproved", false),
        ("actor:x word", true),
        ("-(actor:x OR input.a:1)", true),
        ("output:*", true),
        ("has:output", true),
    ] {
        assert_eq!(parse(text).unwrap().needs_content(), expected, "{text}");
    }
}

#[test]
fn short_forms_are_literal() {
    let record = RecordView::parse(RECORD.as_bytes()).unwrap();
    let filter = |field, value| Filter::all().and_equal(field, value);
    assert!(filter(TextField::Actor, "agent-7").matches(&record, None));
    assert!(!filter(TextField::Actor, "agent*").matches(&record, None));
    assert!(!filter(TextField::Actor, "*").matches(&record, None));
    let both = parse("source:llm OR source:mcp").unwrap();
    let both = both.and_equal(TextField::Result, "success");
    assert!(!both.matches(&record, None));
    assert_eq!(
        both.to_string(),
        "(source:llm OR source:mcp) result:success"
    );
    assert_eq!(filter(TextField::Job, "a*").to_string(), r#"job:"a\*""#);
}
