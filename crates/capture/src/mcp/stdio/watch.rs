//! What is recorded of a server over its standard streams: the conversation, and the process itself.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::ExitStatus,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use event::Micros;
use serde_json::json;

use super::Recording;
use crate::{
    draft::{Approval, Draft, Meta, Outcome, Phase, Source},
    identity::Scope,
    mcp::{
        dialogue::{About, Broken, Dialogue, Via},
        pending::Side,
        reader::Reader,
    },
    payload::{Payload, Value},
    recorder::Scribe,
    redact::Secret,
};

/// The life of the process.
const ACTION: &str = "mcp.session";

/// Lives on the recorder's thread.
#[derive(Debug)]
pub(super) struct Watch {
    dialogue: Dialogue,
    client: Reader,
    server: Reader,
    stderr: Payload,
    scope: Arc<Scope>,
    secrets: Arc<[Secret]>,
    program: String,
    argv: Vec<String>,
    call: Arc<str>,
    began_at: Micros,
    /// Bytes that passed unseen.
    missed: Arc<AtomicU64>,
    is_client_gone: bool,
}

impl Watch {
    pub(super) fn new(recording: &Recording, began_at: Micros) -> Self {
        let argv: Vec<_> = recording
            .argv
            .iter()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        let program = argv.first().map(Path::new).and_then(Path::file_name);
        let program = program.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let env = recording.recorder.env();
        let about = About {
            env: env.clone(),
            transport: "stdio",
            name: program.clone(),
            catalogue: Arc::clone(&recording.catalogue),
            server: Mutex::default(),
            rounds: Mutex::default(),
        };
        Self {
            dialogue: Dialogue::new(Arc::new(about)),
            client: Reader::default(),
            server: Reader::default(),
            stderr: Payload::default(),
            scope: Arc::new(recording.scope.clone()),
            secrets: Arc::new([]),
            program,
            argv,
            call: env.new_id().into(),
            began_at,
            missed: Arc::default(),
            is_client_gone: false,
        }
    }

    /// Counts bytes that pass unseen.
    pub(super) fn missed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.missed)
    }

    /// Bytes of one side.
    pub(super) fn bytes(&mut self, side: Side, bytes: &[u8], at: Micros, scribe: &mut Scribe<'_>) {
        self.read(side, at, scribe, |reader, scribe, seen| {
            let with = scribe.redactor().with(&[]);
            reader.push(bytes, &with, &mut |one| seen.push(one));
        });
    }

    /// One side has closed its stream.
    pub(super) fn closed(&mut self, side: Side, at: Micros, scribe: &mut Scribe<'_>) {
        self.is_client_gone |= side == Side::Client;
        self.read(side, at, scribe, |reader, _, seen| {
            reader.end(&mut |one| seen.push(one));
        });
    }

    fn read(
        &mut self,
        side: Side,
        at: Micros,
        scribe: &mut Scribe<'_>,
        read: impl FnOnce(&mut Reader, &Scribe<'_>, &mut Vec<crate::mcp::reader::Seen>),
    ) {
        let mut seen = Vec::new();
        let reader = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        read(reader, scribe, &mut seen);
        let via = Via {
            at,
            scope: &self.scope,
            secrets: &self.secrets,
            exchange: 0,
            status: None,
            session: None,
        };
        for one in seen {
            self.dialogue.take(one, side, &via, scribe);
        }
    }

    /// The last bytes of one side were not seen.
    pub(super) fn lose(&mut self, side: Side) {
        match side {
            Side::Client => self.client.lose(),
            Side::Server => self.server.lose(),
        }
    }

    pub(super) fn errors(&mut self, bytes: &[u8], scribe: &Scribe<'_>) {
        self.stderr.push(&scribe.redactor().with(&[]), bytes);
    }

    pub(super) fn write_begin(&mut self, scribe: &mut Scribe<'_>) {
        let mut draft = self.draft(Phase::Intent);
        draft.content.push(("argv", self.argv(scribe)));
        scribe.write(&draft, &[]);
    }

    pub(super) fn write_end(&mut self, status: ExitStatus, at: Micros, scribe: &mut Scribe<'_>) {
        let broken = Broken::error(if self.is_client_gone {
            "the client closed the connection before an answer"
        } else {
            "the server ended before it answered"
        });
        self.dialogue.end(&broken, at, scribe);
        let broken = Broken::error("the client did not go on with it");
        self.dialogue.end_rounds(&broken, at, scribe);
        let mut draft = self.draft(Phase::Outcome);
        draft.duration_us = Some(at.0.saturating_sub(self.began_at.0));
        draft.status = Some(i64::from(super::shell_status(status)));
        draft.result = Some(match status.code() {
            Some(0) => Outcome::Success,
            Some(_) => Outcome::Failure,
            // As of a command that a signal ended.
            None => Outcome::Error,
        });
        let meta = &mut draft.meta;
        let signal = status
            .signal()
            .and_then(|signal| u64::try_from(signal).ok());
        meta.extend(signal.map(|signal| ("signal", Meta::Number(signal))));
        for (name, count) in [
            ("unreadable_lines", self.dialogue.unreadable_lines()),
            ("missed_bytes", self.missed.load(Ordering::Relaxed)),
        ] {
            if count > 0 {
                meta.push((name, Meta::Number(count)));
            }
        }
        let stderr = std::mem::take(&mut self.stderr).finish(&scribe.redactor().with(&[]));
        draft
            .content
            .extend(stderr.map(|stderr| ("stderr", stderr)));
        scribe.write(&draft, &[]);
    }

    pub(super) fn write_not_started(&self, status: u8, reason: String, scribe: &mut Scribe<'_>) {
        let mut draft = self.draft(Phase::Outcome);
        draft.phase = None;
        draft.status = Some(i64::from(status));
        draft.result = Some(Outcome::Error);
        draft.meta.push(("not_started", Meta::Text(reason)));
        draft.content.push(("argv", self.argv(scribe)));
        scribe.write(&draft, &[]);
    }

    /// A line that was not passed on because it is too long to be recorded before.
    pub(super) fn write_refusal(&self, message: &str, requests: u64, scribe: &mut Scribe<'_>) {
        let mut draft = self.draft(Phase::Outcome);
        draft.phase = None;
        "refused".clone_into(&mut draft.action);
        draft.time = scribe.now();
        draft.result = Some(Outcome::Failure);
        draft.meta.push(("requests", Meta::Number(requests)));
        draft.approval = Some(Approval {
            allowed: false,
            approver: "auto".to_owned(),
            rule: Some("mode.strict".to_owned()),
            reason: Some(message.to_owned()),
            waited_us: None,
        });
        scribe.write(&draft, &[]);
    }

    fn draft(&self, phase: Phase) -> Draft {
        let scope = Arc::clone(&self.scope);
        let mut draft = Draft::new(Source::Mcp, scope, self.began_at, ACTION.to_owned());
        let server = match phase {
            Phase::Intent | Phase::Checkpoint => &self.program,
            Phase::Outcome => self.dialogue.server_name(),
        };
        draft.resource = Some(("server", server.to_owned()));
        draft.phase = Some((phase, Arc::clone(&self.call)));
        let transport = Meta::Text("stdio".to_owned());
        draft.meta.push(("transport", transport));
        draft
    }

    fn argv(&self, scribe: &Scribe<'_>) -> Value {
        let argv = json!(self.argv).to_string();
        Value::of_json(&argv, &scribe.redactor().with(&[]))
    }
}
