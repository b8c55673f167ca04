//! The records of a conversation.

use std::sync::Arc;

use event::Micros;
use sha2::{Digest, Sha256};

use super::{Broken, Dialogue, Message, Via, lock, text};
use crate::{
    draft::{Draft, Meta, Outcome, Phase, Source},
    mcp::{
        catalogue::Change,
        definition::Definition,
        pending::{Kind, Pending, Side},
        reader::Slot,
    },
    payload::{Payload, hex},
    recorder::Scribe,
};

impl Dialogue {
    pub(super) fn draft(&self, pending: &Pending, phase: Option<Phase>) -> Draft {
        let scope = Arc::clone(&pending.scope);
        let action = match pending.method.as_str() {
            // An event has an action, whatever the client says.
            "" => "message".to_owned(),
            method => method.to_owned(),
        };
        let mut draft = Draft::new(Source::Mcp, scope, pending.began_at, action);
        draft.resource = Some(pending.resource.clone());
        draft.phase = phase.map(|phase| (phase, Arc::clone(&pending.call)));
        if phase.is_none() {
            let call = pending.call.as_ref().to_owned();
            draft.meta.push(("call", Meta::Text(call)));
        }
        self.describe(&mut draft, pending.session.as_deref());
        let meta = &mut draft.meta;
        meta.push(("request_id", text(pending.id.as_str().to_owned())));
        if let Some(client) = &pending.client {
            meta.push(("client", text(client.name.clone())));
            let version = client.version.clone();
            meta.extend(version.map(|version| ("client_version", text(version))));
        }
        let tool_use_id = pending.tool_use_id.clone();
        meta.extend(tool_use_id.map(|id| ("tool_use_id", text(id))));
        let claimed = pending.scope.claimed_agent.clone();
        meta.extend(claimed.map(|claimed| ("claimed_agent", text(claimed))));
        if pending.from == Side::Server {
            meta.push(("from", Meta::Text("server".to_owned())));
        }
        draft
    }

    /// Something that is over at once.
    pub(in crate::mcp) fn notice(&self, action: &str, via: &Via<'_>) -> Draft {
        let scope = Arc::clone(via.scope);
        let mut draft = Draft::new(Source::Mcp, scope, via.at, action.to_owned());
        draft.resource = Some(("server", self.server_name().to_owned()));
        self.describe(&mut draft, via.session);
        draft
    }

    fn describe(&self, draft: &mut Draft, session: Option<&str>) {
        let meta = &mut draft.meta;
        let transport = self.about.transport.to_owned();
        meta.push(("transport", Meta::Text(transport)));
        meta.push(("server", text(self.server_name().to_owned())));
        let version = self
            .server
            .as_ref()
            .and_then(|server| server.version.clone());
        meta.extend(version.map(|version| ("server_version", text(version))));
        meta.extend(session.map(|session| ("session", Meta::Text(session.to_owned()))));
    }

    /// The last record of a request.
    pub(super) fn end_draft(&self, pending: &Pending, at: Micros) -> Draft {
        let phase = (pending.kind == Kind::Action).then_some(Phase::Outcome);
        let mut draft = self.draft(pending, phase);
        draft.duration_us = Some(at.0.saturating_sub(pending.began_at.0));
        if pending.progress > 0 {
            draft
                .meta
                .push(("progress", Meta::Number(pending.progress)));
        }
        if pending.rounds > 0 {
            draft.meta.push(("rounds", Meta::Number(pending.rounds)));
        }
        draft
    }

    /// The end of a request that was not answered.
    pub(super) fn write_end(
        &self,
        mut pending: Pending,
        broken: &Broken,
        at: Micros,
        scribe: &mut Scribe<'_>,
    ) {
        if pending.kind == Kind::Silent {
            return;
        }
        let mut draft = self.end_draft(&pending, at);
        draft.result = Some(broken.result);
        draft.status = broken.status.map(i64::from);
        draft.meta.push(("reason", text(broken.reason.clone())));
        let input = pending.input.take();
        draft.content.extend(input.map(|input| ("input", input)));
        scribe.write(&draft, &pending.secrets);
    }

    pub(super) fn write_answer(
        &self,
        message: &mut Message,
        mut pending: Pending,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        if pending.kind == Kind::Question && pending.resource.0 == "server" {
            // Perhaps it is only now known what the server is called.
            pending.resource = ("server", self.server_name().to_owned());
        }
        let mut draft = self.end_draft(&pending, via.at);
        let input = pending.input.take();
        draft.content.extend(input.map(|input| ("input", input)));
        let mut changes = Vec::new();
        if pending.method == "tools/list" && message.has(Slot::Result) {
            changes = self.definitions(&mut draft, message);
        }
        fill(&mut draft, message, via);
        scribe.write(&draft, &pending.secrets);
        for change in changes {
            scribe.write(&self.changed(&pending, change, via), &pending.secrets);
        }
    }

    /// Notes what a list of tools defines; answers what is different from before. Of a list without news the hash says it
    /// all, and its text is left out.
    fn definitions(&self, draft: &mut Draft, message: &mut Message) -> Vec<Change> {
        let tools = std::mem::take(&mut message.tools);
        let key = format!("{}\0{}", self.about.transport, self.server_name());
        let compared = self.about.catalogue.compare(&key, &tools);
        let changed = compared.changes.len() as u64;
        draft.meta.extend([
            ("tools", Meta::Number(tools.len() as u64)),
            ("definitions_sha256", Meta::Text(of_all(&tools))),
            ("new_tools", Meta::Number(compared.new)),
            ("changed_tools", Meta::Number(changed)),
        ]);
        if compared.new + changed == 0 {
            message.take(Slot::Result);
        }
        compared.changes
    }

    /// A tool that says something else of itself than before.
    fn changed(&self, pending: &Pending, change: Change, via: &Via<'_>) -> Draft {
        let mut draft = self.draft(pending, None);
        draft.time = via.at;
        "tools/changed".clone_into(&mut draft.action);
        let tool = format!("{}/{}", self.server_name(), change.tool);
        draft.resource = Some(("tool", tool));
        let members = change.members.join(", ");
        draft.description = Some(format!("the definition of a tool has changed: {members}"));
        draft.meta.extend([
            ("changed", text(members)),
            ("definition_before", Meta::Text(change.before)),
            ("definition", Meta::Text(change.after)),
        ]);
        draft
    }

    /// Text that is no message. What a client sends reaches the server, and is told; what a server writes is mostly a log.
    pub(super) fn unreadable(
        &mut self,
        start: &[u8],
        from: Side,
        via: &Via<'_>,
        scribe: &mut Scribe<'_>,
    ) {
        if from == Side::Server {
            // A line that ends in the middle of a message is known for what it is only by the next one.
            let lines = start.split(|byte| *byte == b'\n');
            self.unreadable_lines +=
                lines.filter(|line| !line.trim_ascii().is_empty()).count() as u64;
            return;
        }
        let mut draft = self.notice("unreadable", via);
        draft.status = via.status.map(i64::from);
        draft.result = Some(Outcome::Error);
        let with = scribe.redactor().with(via.secrets);
        let mut input = Payload::default();
        input.push(&with, start);
        let input = input.finish(&with);
        draft.content.extend(input.map(|input| ("input", input)));
        scribe.write(&draft, via.secrets);
    }

    /// Requests that wait for another round when nothing can come any more.
    pub(in crate::mcp) fn end_rounds(&self, broken: &Broken, at: Micros, scribe: &mut Scribe<'_>) {
        let waiting: Vec<_> = lock(&self.about.rounds).drain().collect();
        for pending in waiting {
            self.write_end(pending, broken, at, scribe);
        }
    }
}

/// What an answer says.
pub(super) fn fill(draft: &mut Draft, message: &mut Message, via: &Via<'_>) {
    draft.status = via.status.map(i64::from);
    let is_error = message.has(Slot::Error);
    draft.result = Some(if is_error || message.is_true(Slot::IsError) {
        Outcome::Failure
    } else {
        Outcome::Success
    });
    let meta = &mut draft.meta;
    if is_error {
        let code = message.number(Slot::ErrorCode);
        meta.extend(code.map(|code| ("error_code", Meta::Text(code.to_string()))));
        let reason = message.text(Slot::ErrorMessage);
        meta.extend(reason.map(|reason| ("reason", text(reason))));
    }
    let answer = message.text(Slot::Answer);
    meta.extend(answer.map(|answer| ("answer", text(answer))));
    let version = message.text(Slot::NegotiatedVersion);
    meta.extend(version.map(|version| ("protocol", text(version))));
    let error = message.take(Slot::Error);
    let output = error.or_else(|| message.take(Slot::Result));
    draft
        .content
        .extend(output.map(|output| ("output", output)));
}

/// One hash for a list of definitions, whatever their order.
fn of_all(tools: &[Definition]) -> String {
    let mut hashes: Vec<_> = tools.iter().map(|tool| (&tool.name, tool.hash)).collect();
    hashes.sort_unstable();
    let mut all = Sha256::new();
    for (_, hash) in hashes {
        all.update(hash);
    }
    hex(&all.finalize())
}
