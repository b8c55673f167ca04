//! Figures by groups and over time, values that occur, jobs and agents.

use serde_json::{Value, json};

use crate::{client::Call, running::Running};

/// Five events of two jobs over the end of summer time in Berlin, none of the server's own.
fn events() -> Value {
    json!([
        { "time": "2025-10-26T00:10:00Z", "actor": { "id": "a" }, "action": "x", "source": "shell", "result": "success",
          "job": "j/1", "project": "p", "status": 9, "duration_us": 5 },
        { "time": "2025-10-26T00:20:00Z", "actor": { "id": "b" }, "action": "x", "source": "shell", "result": "failure",
          "job": "j/1", "project": "p", "status": 10, "input": { "n": 1 } },
        { "time": "2025-10-26T01:10:00Z", "actor": { "id": "a" }, "action": "y", "source": "llm", "result": "error",
          "job": "j2", "usage": { "model": "m", "input_tokens": 7, "output_tokens": 2, "cost_nanousd": 11 } },
        { "time": "2025-10-26T03:10:00Z", "actor": { "id": "a" }, "action": "y", "source": "llm",
          "job": "j2", "usage": { "model": "m", "input_tokens": 1, "cache_read_tokens": 3 },
          "approval": { "decision": "denied" } },
        { "time": "2025-10-26T03:20:00Z", "actor": { "type": "user", "id": "u" }, "action": "z" },
    ])
}

const DAY: &str = "from=2025-10-26T00:00:00Z&to=2025-10-26T04:00:00Z";

fn filled() -> (tempfile::TempDir, Running) {
    let (dir, node) = Running::fresh();
    node.record(&events());
    (dir, node)
}

#[test]
fn groups_are_exact_and_in_order() {
    let (_dir, node) = filled();
    let reply = node.get(&format!("/v1/aggregate?by=source,result&{DAY}"));
    assert_eq!(
        reply.text(),
        concat!(
            r#"{"object":"list","data":["#,
            r#"{"source":"app","result":null,"count":1,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cost_nanousd":0,"unpriced":0,"duration_us":0,"failures":0},"#,
            r#"{"source":"llm","result":"error","count":1,"input_tokens":7,"output_tokens":2,"cache_read_tokens":0,"cost_nanousd":11,"unpriced":0,"duration_us":0,"failures":1},"#,
            r#"{"source":"llm","result":null,"count":1,"input_tokens":1,"output_tokens":0,"cache_read_tokens":3,"cost_nanousd":0,"unpriced":1,"duration_us":0,"failures":0},"#,
            r#"{"source":"shell","result":"failure","count":1,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cost_nanousd":0,"unpriced":0,"duration_us":0,"failures":1},"#,
            r#"{"source":"shell","result":"success","count":1,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cost_nanousd":0,"unpriced":0,"duration_us":5,"failures":0}"#,
            r#"],"groups":5}"#
        )
    );
    let sorted = format!("/v1/aggregate?by=source&sort=input_tokens&top=1&{DAY}");
    let sorted = node.get(&sorted).ok();
    assert_eq!(sorted["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&sorted["data"][0]["source"], &sorted["groups"]),
        (&json!("llm"), &json!(3))
    );
    let numbers = node.get(&format!("/v1/aggregate?by=status&{DAY}")).ok();
    let numbers = numbers["data"].as_array().unwrap();
    let numbers: Vec<_> = numbers.iter().map(|row| &row["status"]).collect();
    assert_eq!(numbers, [&Value::Null, &json!(9), &json!(10)]);
    let all = node.get(&format!("/v1/aggregate?{DAY}&actor=a")).ok();
    assert_eq!(
        (&all["data"][0]["count"], &all["groups"]),
        (&json!(3), &json!(1))
    );
}

#[test]
fn buckets_follow_the_clock_of_the_zone() {
    let (_dir, node) = filled();
    let series = node.get(&format!("/v1/series?interval=hour&tz=Europe/Berlin&{DAY}"));
    let series = series.ok();
    assert_eq!(
        (&series["interval"], &series["tz"]),
        (&json!("hour"), &json!("Europe/Berlin"))
    );
    let buckets = series["data"].as_array().unwrap();
    let starts: Vec<_> = buckets
        .iter()
        .map(|bucket| {
            (
                bucket["start"].as_str().unwrap(),
                bucket["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        starts,
        [
            ("2025-10-26T02:00:00+02:00", 2),
            ("2025-10-26T02:00:00+01:00", 1),
            ("2025-10-26T03:00:00+01:00", 0),
            ("2025-10-26T04:00:00+01:00", 2),
        ]
    );
    let grouped = node.get(&format!("/v1/series?by=actor&{DAY}")).ok();
    let groups = |index: usize| grouped["data"][index]["groups"].as_array().unwrap().len();
    assert_eq!([groups(0), groups(1), groups(2), groups(3)], [2, 1, 0, 2]);
    assert_eq!(grouped["data"][0]["groups"][1]["actor"], "b");
    let reply =
        node.get("/v1/series?interval=minute&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z");
    reply.problem(400, "too_many_buckets");
}

#[test]
fn values_are_counted_and_absent_ones_left_out() {
    let (_dir, node) = filled();
    let facets = node.get(&format!("/v1/facets?fields=result,status,actor.type&{DAY}"));
    assert_eq!(
        facets.text(),
        concat!(
            r#"{"facets":{"result":[{"value":"error","count":1},{"value":"failure","count":1},{"value":"success","count":1}],"#,
            r#""status":[{"value":9,"count":1},{"value":10,"count":1}],"#,
            r#""actor.type":[{"value":"agent","count":4},{"value":"user","count":1}]}}"#
        )
    );
    let cut = node
        .get(&format!("/v1/facets?fields=actor&top=1&{DAY}"))
        .ok();
    assert_eq!(
        cut["facets"]["actor"],
        json!([{ "value": "a", "count": 3 }])
    );
}

#[test]
fn jobs_and_agents() {
    let (_dir, node) = filled();
    let first = node.get("/v1/jobs?limit=1").ok();
    assert_eq!(
        (&first["total"], &first["has_more"]),
        (&json!(2), &json!(true))
    );
    let job = &first["data"][0];
    assert_eq!(job["id"], "j2");
    assert_eq!(job["first_time"], "2025-10-26T01:10:00.000000Z");
    assert_eq!(job["last_time"], "2025-10-26T03:10:00.000000Z");
    assert_eq!([&job["approvals"], &job["denied"]], [&json!(1), &json!(1)]);
    assert_eq!(
        [&job["input_tokens"], &job["unpriced"]],
        [&json!(8), &json!(1)]
    );
    node.record(&json!({ "actor": { "id": "late" }, "action": "x", "job": "late" }));
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = node.get(&format!("/v1/jobs?limit=5&cursor={cursor}")).ok();
    assert_eq!(
        (&next["data"][0]["id"], &next["has_more"]),
        (&json!("j/1"), &json!(false))
    );
    for path in ["/v1/agents", "/v1/events", "/v1/count"] {
        node.get(&format!("{path}?cursor={cursor}"))
            .problem(400, "cursor_mismatch");
    }
    let events = node.get("/v1/events?limit=1").ok()["next_cursor"].clone();
    let events = events.as_str().unwrap();
    for path in ["/v1/jobs", "/v1/agents", "/v1/count"] {
        node.get(&format!("{path}?cursor={events}"))
            .problem(400, "cursor_mismatch");
    }
    for path in ["/v1/jobs", "/v1/agents", "/v1/count"] {
        for bad in ["", "x", "jobs.", "agents.x", "count.%C3%A9", "jobs.jobs."] {
            node.get(&format!("{path}?cursor={bad}"))
                .problem(400, "invalid_cursor");
        }
    }
    node.get(&format!("/v1/jobs?actor=a&cursor={cursor}"))
        .problem(400, "cursor_mismatch");
    assert_eq!(node.get("/v1/jobs/j%2F1").ok(), next["data"][0]);
    let agents = node.get(&format!("/v1/agents?{DAY}")).ok();
    let agents: Vec<_> = agents["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["id"])
        .collect();
    assert_eq!(agents, ["a", "b"]);
    assert_eq!(node.get("/v1/agents/a?job=j2").ok()["count"], 2);
    for path in ["/v1/agents/u", "/v1/jobs/none", "/v1/jobs/j2?actor=b"] {
        node.get(path).problem(404, "not_found");
    }
}

#[test]
fn the_same_question_at_the_same_size_has_the_same_answer() {
    let (_dir, node) = filled();
    let size = node.record(&json!([]))["tree_size"].clone();
    let paths = [
        "aggregate?by=actor",
        "series?by=actor",
        "facets?fields=actor",
        "jobs?",
        "agents?",
    ];
    let ask = || paths.map(|path| node.get(&format!("/v1/{path}&at={size}")).body);
    let before = ask();
    node.record(&events());
    assert_eq!(ask(), before);
}

#[test]
fn a_limited_key_sees_its_project_and_no_content() {
    let (_dir, node) = filled();
    let key = node.make_key(
        &node.admin,
        &json!({ "name": "p", "scopes": ["read"], "project": "p" }),
    );
    let key = key["key"].as_str().unwrap();
    let get = |path: &str| node.send(&Call::get(path).key(key));
    assert_eq!(get("/v1/aggregate").ok()["data"][0]["count"], 2);
    assert_eq!(
        get("/v1/facets?fields=project,job").ok()["facets"]["job"][0],
        json!({ "value": "j/1", "count": 2 })
    );
    assert_eq!(get("/v1/series?interval=day").ok()["data"][0]["count"], 2);
    assert_eq!(get("/v1/jobs").ok()["total"], 1);
    assert_eq!(get("/v1/agents/a").ok()["count"], 1);
    get("/v1/jobs/j2").problem(404, "not_found");
    for path in [
        "aggregate?",
        "series?",
        "facets?fields=job&",
        "jobs?",
        "jobs/j2?",
        "agents?",
        "agents/a?",
    ] {
        get(&format!("/v1/{path}q=input.n:1")).problem(403, "insufficient_scope");
    }
}

#[test]
fn what_cannot_be_asked() {
    let (_dir, node) = filled();
    for bad in [
        "aggregate?by=",
        "aggregate?by=nothing",
        "aggregate?by=actor.type",
        "aggregate?by=source,source",
        "aggregate?by=source,action,actor,result",
        "aggregate?by=source&sort=actor",
        "aggregate?by=source&top=0",
        "aggregate?by=source&top=10001",
        "aggregate?at=999999",
        "series?interval=month",
        "series?tz=Europe/Nowhere",
        "series?by=tokens",
        "facets",
        "facets?fields=",
        "facets?fields=tokens",
        "facets?fields=actor,actor",
        "facets?fields=actor&top=1001",
        "facets?fields=actor&top=0",
        "jobs?limit=201",
        "agents?limit=0",
    ] {
        node.get(&format!("/v1/{bad}"))
            .problem(400, "invalid_parameter");
    }
    for path in [
        "aggregate?",
        "series?",
        "facets?fields=actor&",
        "jobs?",
        "jobs/j2?",
        "agents?",
        "agents/a?",
    ] {
        let get = |query: &str| node.get(&format!("/v1/{path}{query}"));
        get("nothing=1").problem(400, "unknown_parameter");
        get("q=a&q=a").problem(400, "duplicate_parameter");
        get("q=actoor:a").problem(400, "invalid_filter");
    }
}
