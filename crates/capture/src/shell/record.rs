//! The events of a command, as text for the server. Pure.

use std::path::Path;

use event::Micros;
use serde::Serialize;

use super::{Ending, Finished, Invocation, output::Content};

/// Whose action it is.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// `actor.id`.
    pub agent: String,
    /// `job`.
    pub job: Option<String>,
    /// `project`.
    pub project: Option<String>,
}

#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a str>,
    actor: Actor<'a>,
    source: &'static str,
    action: &'static str,
    resource: Resource,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    producer: Option<Producer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta<'a>>,
    content: Content,
}

#[derive(Serialize)]
struct Actor<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
}

#[derive(Serialize)]
struct Resource {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

#[derive(Serialize)]
struct Producer<'a> {
    phase: &'static str,
    call: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Meta<'a> {
    Signal(i32),
    NotStarted(&'a str),
}

/// The event of a command that is running: `call` joins it with its [`outcome`].
///
/// # Errors
/// Never for text that fits in memory; the encoder's own.
pub fn intent(
    id: &str,
    call: &str,
    scope: &Scope,
    invocation: &Invocation,
    started_at: Micros,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut event = event(id, scope, invocation, started_at, None);
    event.producer = Some(Producer {
        phase: "intent",
        call,
    });
    serde_json::to_vec(&event)
}

/// The event of a command that has ended; the only one if it had no [`intent`].
///
/// # Errors
/// As [`intent`].
pub fn outcome(
    id: &str,
    call: &str,
    scope: &Scope,
    invocation: &Invocation,
    finished: &Finished,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut event = event(id, scope, invocation, finished.started_at, Some(finished));
    event.duration_us = Some(finished.duration_us);
    event.result = Some(finished.ending.result());
    event.status = Some(finished.ending.status());
    event.producer = finished.has_intent.then_some(Producer {
        phase: "outcome",
        call,
    });
    event.meta = match &finished.ending {
        Ending::Exited(_) => None,
        Ending::Signalled(signal) => Some(Meta::Signal(*signal)),
        Ending::NotStarted { reason, .. } => Some(Meta::NotStarted(reason)),
    };
    serde_json::to_vec(&event)
}

fn event<'a>(
    id: &'a str,
    scope: &'a Scope,
    invocation: &Invocation,
    started_at: Micros,
    finished: Option<&Finished>,
) -> Event<'a> {
    Event {
        id,
        time: started_at.to_string(),
        duration_us: None,
        project: scope.project.as_deref(),
        job: scope.job.as_deref(),
        actor: Actor {
            kind: "agent",
            id: &scope.agent,
        },
        source: "shell",
        action: "shell.exec",
        resource: Resource {
            kind: "command",
            id: program(invocation),
        },
        result: None,
        status: None,
        producer: None,
        meta: None,
        content: Content::of(invocation, finished),
    }
}

/// The program's name without its folder.
fn program(invocation: &Invocation) -> String {
    let program = invocation.argv.first().map(Path::new);
    let name = program.and_then(|path| path.file_name().or(Some(path.as_os_str())));
    name.unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    use serde_json::{Value, json};

    use super::*;
    use crate::shell::Excerpt;

    fn finished(ending: Ending, stdout: &[u8]) -> Finished {
        let mut excerpt = Excerpt::default();
        excerpt.add(stdout);
        Finished {
            ending,
            started_at: Micros(1_000_001),
            duration_us: 7,
            stdout: excerpt,
            stderr: Excerpt::default(),
            has_intent: false,
        }
    }

    fn invocation() -> Invocation {
        let argv = vec!["/bin/echo".into(), OsString::from_vec(vec![0xff])];
        let env = [("HOME", "/root"), ("TOKEN", "secret")];
        let env = env.map(|(name, value)| (name.into(), value.into()));
        Invocation::new(argv, Some("/srv".into()), env.into_iter())
    }

    fn parsed(finished: &Finished) -> Value {
        let scope = Scope {
            agent: "a".to_owned(),
            job: Some("j".to_owned()),
            project: None,
        };
        let bytes = outcome("id-1", "c-1", &scope, &invocation(), finished).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_command_that_is_over_is_one_event() {
        let event = parsed(&finished(Ending::Exited(0), b"hi\n"));
        let sha256 = "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4";
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            event,
            json!({
                "id": "id-1", "time": "1970-01-01T00:00:01.000001Z", "duration_us": 7, "job": "j",
                "actor": {"type": "agent", "id": "a"}, "source": "shell", "action": "shell.exec",
                "resource": {"type": "command", "id": "echo"}, "result": "success", "status": 0,
                "content": {
                    "argv": ["/bin/echo", {"base64": "/w=="}], "cwd": "/srv", "env": {"HOME": "/root"},
                    "stdout": "hi\n", "stderr": "",
                    "streams": {"stdout": {"bytes": 3, "sha256": sha256}, "stderr": {"bytes": 0, "sha256": empty}}
                }
            })
        );
    }

    #[test]
    fn endings_have_a_result_a_status_and_a_reason() {
        let failed = parsed(&finished(Ending::Exited(3), b"\xff"));
        assert_eq!(
            (&failed["result"], &failed["status"]),
            (&json!("failure"), &json!(3))
        );
        assert_eq!(failed["content"]["stdout"], json!({"base64": "/w=="}));
        let killed = parsed(&finished(Ending::Signalled(9), b""));
        assert_eq!(
            (&killed["result"], &killed["status"]),
            (&json!("error"), &json!(137))
        );
        assert_eq!(killed["meta"], json!({"signal": 9}));
        let reason = "no such file".to_owned();
        let absent = parsed(&finished(
            Ending::NotStarted {
                reason,
                status: 127,
            },
            b"",
        ));
        assert_eq!(absent["meta"], json!({"not_started": "no such file"}));
    }

    #[test]
    fn intent_and_outcome_are_joined() {
        let scope = Scope::default();
        let intent = intent("id-1", "c", &scope, &invocation(), Micros(0)).unwrap();
        let intent: Value = serde_json::from_slice(&intent).unwrap();
        assert_eq!(intent["producer"], json!({"phase": "intent", "call": "c"}));
        assert_eq!(
            (intent.get("result"), intent["content"].get("stdout")),
            (None, None)
        );
        let mut finished = finished(Ending::Exited(0), b"");
        finished.has_intent = true;
        let outcome = outcome("id-2", "c", &scope, &invocation(), &finished).unwrap();
        let outcome: Value = serde_json::from_slice(&outcome).unwrap();
        assert_eq!(
            outcome["producer"],
            json!({"phase": "outcome", "call": "c"})
        );
    }
}
