use event::{Batch, BatchFormat, code};

/// The compact events, or the codes of their rejects.
fn read(body: &str, format: BatchFormat) -> Result<Vec<String>, &'static str> {
    let batch = Batch::read(body.as_bytes(), format, 3).map_err(|reject| reject.code)?;
    assert_eq!(batch.len(), batch.events().count());
    assert_eq!(batch.is_empty(), batch.events().next().is_none());
    let event = |event: Result<event::Event<'_>, event::Reject>| match event {
        Ok(event) => event.as_str().to_owned(),
        Err(reject) => reject.code.to_owned(),
    };
    Ok(batch.events().map(event).collect())
}

#[test]
fn json() {
    for (body, events) in [
        (" { \"a\" : 1 } ", vec!["{\"a\":1}"]),
        ("[]", vec![]),
        (" [ ] ", vec![]),
        ("[{\"a\":1},{\"b\":2}]", vec!["{\"a\":1}", "{\"b\":2}"]),
        (
            " [ { \"a\" : [ ] } , 7 , \"x y\" ] ",
            vec!["{\"a\":[]}", "7", "\"x y\""],
        ),
    ] {
        assert_eq!(read(body, BatchFormat::Json).unwrap(), events, "{body}");
    }
}

#[test]
fn a_broken_body_is_one_error() {
    for body in [
        "",
        " ",
        "[",
        "[{}",
        "[{},]",
        "[,{}]",
        "[{} {}]",
        "[{}]]",
        "{}{}",
        "[01]",
        "[{\"a\":}]",
        "tru",
    ] {
        assert_eq!(
            read(body, BatchFormat::Json),
            Err(code::INVALID_JSON),
            "{body}"
        );
    }
    for body in ["7", "null", "\"x\""] {
        assert_eq!(
            read(body, BatchFormat::Json),
            Err(code::NOT_AN_OBJECT),
            "{body}"
        );
    }
    let invalid_utf8 = Batch::read(b"[{\"a\":\"\xff\"}]", BatchFormat::Json, 3);
    assert_eq!(invalid_utf8.unwrap_err().code, code::INVALID_JSON);
}

#[test]
fn an_event_that_is_too_deep_spoils_no_other() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    let deepest = "[".repeat(128) + &"]".repeat(128);
    let body = format!("[ {{ }} , {deep} , {deepest} ]");
    assert_eq!(
        read(&body, BatchFormat::Json).unwrap(),
        ["{}", code::TOO_DEEP, deepest.as_str()]
    );
    assert_eq!(
        read(&format!("{{\"a\":{deep}}}"), BatchFormat::Json).unwrap(),
        [code::TOO_DEEP]
    );
}

#[test]
fn lines() {
    for (body, events) in [
        ("", vec![]),
        ("\n \r\n\t\n", vec![]),
        ("{\"a\":1}", vec!["{\"a\":1}"]),
        (
            "{ \"a\":1}\r\n\n{\"b\" : 2}\n",
            vec!["{\"a\":1}", "{\"b\":2}"],
        ),
        ("{\"a\":\n1}", vec![code::INVALID_JSON, code::INVALID_JSON]),
        ("{}\n{}{}\n{}", vec!["{}", code::INVALID_JSON, "{}"]),
    ] {
        assert_eq!(read(body, BatchFormat::Ndjson).unwrap(), events, "{body}");
    }
    let deep = "[".repeat(129);
    assert_eq!(
        read(&format!("{{}}\n{deep}"), BatchFormat::Ndjson).unwrap(),
        ["{}", code::TOO_DEEP]
    );
}

#[test]
fn too_many_events() {
    assert_eq!(read("[1,2,3]", BatchFormat::Json).unwrap().len(), 3);
    assert_eq!(
        read("[1,2,3,4]", BatchFormat::Json),
        Err(code::TOO_MANY_EVENTS)
    );
    assert_eq!(
        read("1\n2\n3\n4", BatchFormat::Ndjson),
        Err(code::TOO_MANY_EVENTS)
    );
}
