use crate::filter::parse;

#[test]
fn prints_one_form() {
    for (text, printed) in [
        ("", ""),
        ("  a   AND b ", "a b"),
        ("\"a\"", "a"),
        ("a (b c)", "a b c"),
        ("a OR (b OR (c))", "a OR b OR c"),
        ("(a OR b) c", "(a OR b) c"),
        ("a OR (b c)", "a OR b c"),
        ("NOT a", "-a"),
        ("-(a b)", "-(a b)"),
        ("NOT -NOT a", "-a"),
        ("is:unapproved", "is:unapproved"),
        ("-has:approval", "is:unapproved"),
        ("-is:unapproved", "has:approval"),
        ("ACTOR:x", "actor:x"),
        ("actor:\"*\"", "actor:*"),
        ("actor:a**b", "actor:a*b"),
        (
            "result:(failure OR -error)",
            "result:failure OR -result:error",
        ),
        ("\"OR\" \"-a\" \"a:b\"", "\"OR\" \"-a\" \"a:b\""),
        (r#"a\"b"#, r#""a\"b""#),
        ("status:4.040e2", "status:404"),
        ("cost>0.050", "cost>0.05"),
        ("cost:1e-12", "cost:0.000000000001"),
        ("duration:90s", "duration:90s"),
        ("duration:120s", "duration:2m"),
        ("duration:0.5h..2h", "duration:30m..2h"),
        ("duration>1.5s", "duration>1500ms"),
        ("duration>0.25us", "duration>0.25us"),
        ("input.n:\"1\" input.n:1.0", "input.n:\"1\" input.n:1"),
        (
            "input.n:\"1..2\" input.n:1..2",
            "input.n:\"1..2\" input.n:1..2",
        ),
        ("Meta.\"a.b\".c:x", "meta.\"a.b\".c:x"),
        ("input.\"\":x", "input.\"\":x"),
        ("resource:https://x/y", "resource:https://x/y"),
    ] {
        let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(filter.to_string(), printed, "{text}");
    }
}
