use crate::filter::{Field, MAX_BYTES, MAX_DEPTH, MAX_TERMS, parse};

/// Checks which text an error points at and what its suggestion contains.
fn refused(filter: &str, spanned: &str, suggested: &str) {
    let error = parse(filter).expect_err(filter);
    assert_eq!(&filter[error.span.clone()], spanned, "{filter}: {error:?}");
    let suggestion = error.suggestion.as_deref().unwrap_or_default();
    assert!(suggestion.contains(suggested), "{filter}: {error:?}");
}

#[test]
fn unknown_fields() {
    refused("actr:x", "actr", "did you mean `actor`");
    refused("a b statsu:1", "statsu", "`status`");
    refused("actor.id:x", "actor.id", "`actor`");
    refused("actor_type:x", "actor_type", "`actor.type`");
    refused("usage.model:x", "usage.model", "`model`");
    refused("cost_nanousd>1", "cost_nanousd", "`cost`");
    refused("usage.cost_nanousd>1", "usage.cost_nanousd", "`cost`");
    refused("approval.waited_us>1", "approval.waited_us", "`waited`");
    refused("duration_us>1", "duration_us", "`duration`");
    refused("content.input:x", "content.input", "`input.`");
    refused("wholly.other:1", "wholly.other", "meta.wholly.other");
    refused(
        "https://example.org/a",
        "https",
        "\"https://example.org/a\"",
    );
    refused(
        "(see https://example.org)",
        "https",
        "`\"https://example.org\"`",
    );
    refused("time>2026-01-01", "time", "`from` and `to`");
    refused("recorded_at:x", "recorded_at", "`from` and `to`");
    refused("v:1", "v", "meta.v");
    refused("via.key:x", "via.key", "meta.via.key");
    refused("10:30", "10", "quotes");
    refused(":x", ":x", "quotes");
    refused("> 5", ">", "without spaces");
}

#[test]
fn wrong_types() {
    refused("status:abc", "abc", "status>=400");
    refused("status:4*", "4*", "`status:*`");
    refused("status:\"4*\"", "\"4*\"", "`status:*`");
    refused("status:\"404\"", "\"404\"", "`status:404`");
    refused("status:>400", ">400", "`status>400`");
    refused("status>400..499", "400..499", "`status:400..499`");
    refused("status:400..", "400..", "`status>=400`");
    refused("status:..499", "..499", "`status<=499`");
    refused("status:499..400", "499..400", "`status:400..499`");
    refused("status>*", "*", "`status:*`");
    refused("status:0x1", "0x1", "number");
    refused("status:1e9999999", "1e9999999", "exponent");
    refused("input.n:1e9999999", "1e9999999", "exponent");
    refused("cost>$5", "$5", "US dollars");
    refused("duration>5", "5", "`duration>5s`");
    refused("duration:0", "0", "`duration:0s`");
    refused("duration:1..5s", "1..5s", "unit");
    refused("waited>5d", "5d", "`h`");
    refused("actor>5", "actor>5", "`actor:5`");
    refused("input.n>x", "x", "number");
    refused("input.n>\"1\"", "\"1\"", "`input.n>1`");
    refused("has:actor", "actor", "`field:*`");
    refused("has>input", "input", "`has:input`");
    refused("is:approved", "approved", "`is:unapproved`");
    refused("status:(404 OR x)", "x", "number");
}

#[test]
fn bad_syntax() {
    refused("(a", "(a", "`)`");
    refused("a)", ")", "remove `)`");
    refused("()", ")", "quotes");
    refused("a OR", "", "quotes");
    refused("OR a", "OR", "\"OR\"");
    refused("a AND OR b", "OR", "\"OR\"");
    refused("NOT", "", "quotes");
    refused("a - b", "-", "\"-\"");
    refused("--force", "--force", "\"--force\"");
    refused("\"a", "\"a", "`\"`");
    refused("say\"a\"", "say\"a\"", "quotes");
    refused("f(x)", "f(x)", "\"f(x)\"");
    refused("(a)b", "b", "space");
    refused("\"a\"b", "\"a\"b", "space");
    refused("\"\"", "\"\"", "remove");
    refused(r"actor:C:\dir", r"\d", r"`\\`");
    refused(r#""a\"#, r"\", r"`\\`");
    refused("actor: x", "actor:", "`actor:*`");
    refused("actor:", "actor:", "`actor:*`");
    refused("result:()", ")", "quotes");
    refused("result:(a OR)", ")", "quotes");
    refused("status>", "status>", "`status:*`");
    refused("input..a:1", ".", "input.a.b");
    refused("input.:1", ":", "input.a.b");
    refused("input.a*:1", "a*", "quotes");
    refused("input.\"a\"b:1", "b", "quotes");
}

#[test]
fn terms_of_other_languages() {
    refused("status=404", "status=404", "`status:404`");
    refused("a (Status==404)", "Status==404", "`status:404`");
    refused("status!=404", "status!=404", "`-status:404`");
    refused("-result=failure", "result=failure", "`result:failure`");
    refused("agent=x", "agent=x", "`actor:x`");
    refused("agent:x", "agent", "`actor`");
    refused("actor=a:7", "actor=a:7", "`actor:a:7`");
    refused("actor=\"a b\"", "actor=\"a b\"", "`actor:\"a b\"`");
    refused("actor=~too", "actor=~too", "`actor:*too*`");
    refused("status=>400", "status=>400", "`status>=400`");
    refused("status=4*", "status=4*", "`status:*`");
    refused("duration=5", "duration=5", "`duration:5s`");
    refused("cost=$5", "cost=$5", "US dollars");
    refused("input.path=x", "input.path=x", "`input.path:x`");
    refused("meta.\"a=b\"=x", "meta.\"a=b\"=x", "`meta.\"a=b\":x`");
    refused("usage.model=x", "usage.model=x", "`model:x`");
    refused("duration_us=5", "duration_us=5", "`duration:5s`");
    refused("has=input", "has=input", "`has:input`");
    refused("is=unapproved", "is=unapproved", "`is:unapproved`");
    refused("status=", "status=", "`status:*`");
    refused("status= OR a", "status=", "`status:*`");
    refused("status = 404", "status = 404", "`status:404`");
    refused("-(status  =404)", "status  =404", "`status:404`");
    refused("status >= 400", "status >= 400", "`status>=400`");
    refused("status :404", "status :404", "`status:404`");
    refused("status> 400", "status>", "`status>400`");
    refused("cost:", "cost:", "US dollars");
    refused("actor>", "actor>", "`actor:`");
    refused("has:", "has:", "`has:input`");
    refused("is:", "is:", "`is:unapproved`");
    refused("input.n>", "input.n>", "`input.n>=400`");
}

#[test]
fn other_words_with_signs_are_text() {
    for text in [
        "/search?status=404",
        "www.example.org/?a=b&job=1",
        "PATH=/bin",
        "a==b",
        "c2VjcmV0Cg==",
        "x = 5",
        "=",
        "request.status=404",
        "\"status=404\"",
        "actor:status=404",
        "action:\"GET\" \"status\" = 5",
    ] {
        let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(parse(&filter.to_string()).as_ref(), Ok(&filter), "{text}");
    }
}

#[test]
fn bounds() {
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&deep(MAX_DEPTH)).is_ok());
    refused(&deep(MAX_DEPTH + 1), "(", "parentheses");
    assert!(parse(&"(".repeat(MAX_BYTES)).is_err());
    assert!(parse(&"-(".repeat(MAX_BYTES / 2)).is_err());
    assert!(parse(&"NOT ".repeat(MAX_BYTES / 4)).is_err());

    let terms = |count: usize| vec!["a"; count].join(" ");
    assert!(parse(&terms(MAX_TERMS)).is_ok());
    refused(&terms(MAX_TERMS + 1), "a", "several");

    let long = "a".repeat(MAX_BYTES + 1);
    refused(&long, &long, "several");
    let name = "n".repeat(MAX_BYTES / 4);
    let group = format!("input.{name}:(a b c d e f)");
    refused(&group, &group, "several");
}

#[test]
fn every_field_has_one_name() {
    for field in Field::all() {
        let name = field.name();
        assert_eq!(Field::from_name(&name.to_uppercase()), Some(field));
        let printed = parse(&format!("{name}:*")).map(|filter| filter.to_string());
        assert_eq!(printed, Ok(format!("{name}:*")));
    }
    assert_eq!(Field::all().count(), 41);
}
