//! The events of a command. Pure.

use std::{path::Path, sync::Arc};

use event::Micros;

use super::{Ending, Finished, Invocation, output, session};
use crate::{
    draft::{Draft, Meta, Outcome, Phase, Source},
    identity::Scope,
    payload::Value,
    redact::Redaction,
};

/// A command as its events tell of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Who, and for which job.
    pub scope: Arc<Scope>,
    /// Joins intent and outcome.
    pub call: Arc<str>,
    /// When it was started.
    pub started_at: Micros,
    program: String,
    /// Content members of the command itself.
    content: Vec<(&'static str, Value)>,
}

impl Told {
    /// What is told of a command beforehand.
    #[must_use]
    pub fn new(
        scope: Arc<Scope>,
        call: Arc<str>,
        started_at: Micros,
        invocation: &Invocation,
        with: &Redaction<'_>,
    ) -> Self {
        Self {
            scope,
            call,
            started_at,
            program: program(invocation),
            content: output::of_invocation(invocation, with),
        }
    }

    /// The event of a command that is about to run.
    #[must_use]
    pub fn intent(&self) -> Draft {
        let mut draft = self.draft("shell.exec", self.started_at);
        draft.phase = Some((Phase::Intent, Arc::clone(&self.call)));
        draft.content.clone_from(&self.content);
        draft
    }

    /// The event of a command that has ended; the only one if it had no intent.
    #[must_use]
    pub fn outcome(&self, finished: &Finished) -> Draft {
        let mut draft = self.ended(finished);
        draft
            .content
            .push(("stdout", output::stream(&finished.stdout)));
        draft
            .content
            .push(("stderr", output::stream(&finished.stderr)));
        let streams = [
            ("stdout", &finished.stdout.excerpt),
            ("stderr", &finished.stderr.excerpt),
        ];
        draft.content.push(("streams", output::digests(&streams)));
        draft
    }

    /// The event of a terminal session that has ended.
    #[must_use]
    pub fn session_outcome(&self, finished: &Finished, last: &session::Part) -> Draft {
        let mut draft = self.ended(finished);
        self.tell_part(&mut draft, last);
        draft
            .content
            .push(("stdout", output::stream(&finished.stdout)));
        let mut streams = vec![("stdout", &finished.stdout.excerpt)];
        // Only if it went elsewhere than to the terminal.
        if finished.stderr.excerpt.bytes() > 0 {
            let stderr = output::stream(&finished.stderr);
            draft.content.push(("stderr", stderr));
            streams.push(("stderr", &finished.stderr.excerpt));
        }
        draft.content.push(("streams", output::digests(&streams)));
        draft
    }

    /// The event of a part of a session that goes on.
    #[must_use]
    pub fn part(&self, part: &session::Part, at: Micros) -> Draft {
        let mut draft = self.draft("shell.recording", at);
        self.tell_part(&mut draft, part);
        draft
    }

    fn tell_part(&self, draft: &mut Draft, part: &session::Part) {
        draft
            .meta
            .push(("session", Meta::Text(self.call.to_string())));
        draft.meta.push(("part", Meta::Number(part.number)));
        let mut recording = output::string(&part.cast);
        recording.redactions = part.redactions;
        recording.truncated_bytes = part.missing_bytes;
        draft.content.push(("recording", recording));
    }

    fn ended(&self, finished: &Finished) -> Draft {
        let mut draft = self.draft("shell.exec", self.started_at);
        draft.duration_us = Some(finished.duration_us);
        draft.result = Some(match finished.ending.result() {
            Outcome::Success if !finished.unwritten.is_empty() => Outcome::Error,
            result => result,
        });
        draft.status = Some(finished.ending.status().into());
        draft.phase = finished
            .has_intent
            .then(|| (Phase::Outcome, Arc::clone(&self.call)));
        draft.content.clone_from(&self.content);
        match &finished.ending {
            Ending::Exited(_) => {}
            Ending::Signalled(signal) => {
                let signal = u64::try_from(*signal).unwrap_or_default();
                draft.meta.push(("signal", Meta::Number(signal)));
            }
            Ending::NotStarted { reason, .. } => {
                draft.meta.push(("not_started", Meta::Text(reason.clone())));
            }
        }
        if !finished.signals.is_empty() {
            let signals: Vec<_> = finished.signals.iter().map(ToString::to_string).collect();
            let json = format!("[{}]", signals.join(","));
            draft.meta.push(("signals_passed_on", Meta::Json(json)));
        }
        for (name, reason) in &finished.unwritten {
            let member = match *name {
                "stderr" => "stderr_unwritten",
                _ => "stdout_unwritten",
            };
            draft.meta.push((member, Meta::Text(reason.clone())));
        }
        if finished.is_left_open {
            draft.meta.push(("output_left_open", Meta::Flag(true)));
        }
        draft
    }

    fn draft(&self, action: &str, time: Micros) -> Draft {
        let scope = Arc::clone(&self.scope);
        let mut draft = Draft::new(Source::Shell, scope, time, action.to_owned());
        draft.resource = Some(("command", self.program.clone()));
        draft
    }
}

impl Ending {
    /// Member `result` of the record.
    #[must_use]
    pub fn result(&self) -> Outcome {
        match self {
            Self::Exited(0) => Outcome::Success,
            Self::Exited(_) => Outcome::Failure,
            Self::Signalled(_) | Self::NotStarted { .. } => Outcome::Error,
        }
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
    use crate::{redact::Redactor, shell::Writer};

    fn finished(ending: Ending, stdout: &[u8]) -> Finished {
        let mut finished = Finished::new(Micros(1_000_001));
        finished.ending = ending;
        finished.duration_us = 7;
        finished.stdout.excerpt.add(stdout);
        finished
    }

    fn event(make: impl FnOnce(&Told) -> Draft) -> Value {
        let redactor = Redactor::new(None, &[], &[0; 32]).unwrap();
        let argv = vec!["/bin/echo".into(), OsString::from_vec(vec![0xff])];
        let env = [("HOME", "/root"), ("TOKEN", "secret")];
        let env = env.map(|(name, value)| (name.into(), value.into()));
        let invocation = Invocation::new(argv, Some("/srv".into()), env.into_iter());
        let scope = Scope {
            job: Some("j".to_owned()),
            ..Scope::default()
        };
        let with = redactor.with(&[]);
        let told = Told::new(
            Arc::new(scope),
            "c".into(),
            Micros(1_000_001),
            &invocation,
            &with,
        );
        let mut writer = Writer::new("p".to_owned());
        serde_json::from_slice(&writer.write(&make(&told), "id-1", &with)).unwrap()
    }

    fn outcome(finished: &Finished) -> Value {
        event(|told| told.outcome(finished))
    }

    #[test]
    fn a_command_that_is_over_is_one_event() {
        let sha256 = "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4";
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            outcome(&finished(Ending::Exited(0), b"hi\n")),
            json!({
                "id": "id-1", "time": "1970-01-01T00:00:01.000001Z", "duration_us": 7, "job": "j",
                "actor": {"type": "agent", "id": "local"}, "source": "shell", "action": "shell.exec",
                "resource": {"type": "command", "id": "echo"}, "result": "success", "status": 0,
                "producer": {"id": "p", "seq": 0},
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
        let failed = outcome(&finished(Ending::Exited(3), b"\xff"));
        assert_eq!(
            (&failed["result"], &failed["status"]),
            (&json!("failure"), &json!(3))
        );
        assert_eq!(failed["content"]["stdout"], json!({"base64": "/w=="}));
        let mut killed = finished(Ending::Signalled(9), b"");
        killed.signals = vec![15, 9];
        killed.is_left_open = true;
        let killed = outcome(&killed);
        assert_eq!(
            (&killed["result"], &killed["status"]),
            (&json!("error"), &json!(137))
        );
        assert_eq!(
            killed["meta"],
            json!({"signal": 9, "signals_passed_on": [15, 9], "output_left_open": true})
        );
        let reason = "no such file".to_owned();
        let absent = outcome(&finished(
            Ending::NotStarted {
                reason,
                status: 127,
            },
            b"",
        ));
        assert_eq!(absent["meta"], json!({"not_started": "no such file"}));
    }

    #[test]
    fn a_long_output_says_how_much_is_missing() {
        let long = outcome(&finished(Ending::Exited(0), &vec![b'x'; 100_000]));
        assert_eq!(long["truncated_bytes"], 100_000 - (64 << 10));
        assert_eq!(
            long["content"]["stdout"]["first"].as_str().unwrap().len(),
            32 << 10
        );
    }

    #[test]
    fn intent_and_outcome_are_joined() {
        let intent = event(Told::intent);
        assert_eq!(
            intent["producer"],
            json!({"id": "p", "seq": 0, "phase": "intent", "call": "c"})
        );
        assert_eq!(
            (intent.get("result"), intent["content"].get("stdout")),
            (None, None)
        );
        let mut finished = finished(Ending::Exited(0), b"");
        finished.has_intent = true;
        assert_eq!(
            outcome(&finished)["producer"],
            json!({"id": "p", "seq": 0, "phase": "outcome", "call": "c"})
        );
    }
}
