//! Targets for what agents tell of themselves: hooks and telemetry.

use std::sync::LazyLock;

use capture::{
    hook::{self, Agent},
    identity::Scope,
    otlp::{self, Encoding, Signal},
    redact::Redactor,
};
use event::{DedupKey, Limits, Micros, Submitter, prepare};

static REDACTOR: LazyLock<Redactor> =
    LazyLock::new(|| Redactor::new(None, &[], &[0; 32]).expect("our own rules"));

/// Any payload is an event that a server takes, and an answer that decides nothing.
pub fn hook(data: &[u8]) {
    let with = REDACTOR.with(&[]);
    let about = hook::About {
        agent: None,
        scope: Scope::default(),
        is_named: false,
        now: Micros(1),
    };
    let report = hook::report(data, &about, &with);
    taken(&report.draft.event("e", &with));
    let answer = hook::answer(report.agent, report.gate, None, true);
    assert_eq!(answer.status, 0);
    assert!(!answer.stdout.contains("deny"));
}

/// Settings stay settings: what is installed once is there once.
pub fn hook_settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for agent in Agent::ALL {
        if let Ok(once) = hook::installed(agent, text, "x hook --from y") {
            let twice = hook::installed(agent, &once, "x hook --from y");
            assert_eq!(twice.as_deref(), Ok(once.as_str()));
        }
    }
}

/// Any request is records that a server takes, or an error.
pub fn otlp(data: &[u8]) {
    let about = otlp::About::new(Scope::default(), false, Micros(1), REDACTOR.with(&[]));
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        for signal in [Signal::Logs, Signal::Traces] {
            let Ok(export) = otlp::decode(data, encoding, signal, &about) else {
                continue;
            };
            for record in &export.records {
                taken(&record.draft.line(&about.with));
            }
            let refused = export.refused.len() as u64;
            let _ = otlp::reply(encoding, signal, refused, "why");
        }
    }
}

fn taken(line: &[u8]) {
    let by = Submitter::default();
    let taken = prepare(line, &by, &DedupKey::new(&[0; 32]), &Limits::default());
    if let Err(reject) = taken {
        panic!("{reject:?}: {}", String::from_utf8_lossy(line));
    }
}
