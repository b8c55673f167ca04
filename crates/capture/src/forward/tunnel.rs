//! A connection whose bytes pass unread, and its events.

use std::{
    future::Future,
    net::IpAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use event::Micros;
use tokio::{
    sync::watch::Receiver,
    time::{MissedTickBehavior, interval_at, sleep, timeout},
};

use super::{
    dial::DialError,
    pump::{Broken, Progress},
    refusal::Refusal,
    rules::HostMode,
    target::Target,
};
use crate::{
    config::Mode,
    draft::{Approval, Draft, Meta, Outcome, Phase, Source},
    identity::Scope,
    recorder::{Recorder, Scribe},
    redact::Secret,
};

/// How often a tunnel through which something has passed says how much.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);
/// A tunnel in which so many of these are silent is closed: an hour.
const IDLE_CHECKPOINTS: u32 = 60;
/// When the proxy stops, tunnels that are silent for so long are closed.
const STOP_SILENCE: Duration = Duration::from_millis(500);
/// And the others after so long.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// What is known of a tunnel when it begins.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) scope: Arc<Scope>,
    pub(super) target: Target,
    pub(super) mode: HostMode,
    /// What the client showed us.
    pub(super) secrets: Vec<Secret>,
}

/// A tunnel from its intent to its outcome. Dropped before, its client has gone.
#[derive(Debug)]
pub(super) struct Tunnel {
    about: About,
    recorder: Recorder,
    call: Arc<str>,
    started_at: Micros,
    begin: Instant,
    address: Option<IpAddr>,
    pub(super) progress: Arc<Progress>,
    is_over: bool,
}

impl About {
    fn draft(&self, time: Micros) -> Draft {
        let action = format!("CONNECT {}", self.target.authority());
        let mut draft = Draft::new(Source::ForwardProxy, Arc::clone(&self.scope), time, action);
        draft.resource = Some(("host", self.target.host.clone()));
        draft
            .meta
            .push(("port", Meta::Number(self.target.port.into())));
        draft
            .meta
            .push(("mode", Meta::Text(self.mode.as_str().to_owned())));
        if let Some(claimed) = &self.scope.claimed_agent {
            draft
                .meta
                .push(("claimed_agent", Meta::Text(claimed.clone())));
        }
        draft
    }

    /// A tunnel that is refused, as one event.
    pub(super) fn refused(self, refusal: &Refusal, recorder: &Recorder) {
        let mut draft = self.draft((recorder.env().now)());
        deny(&mut draft, refusal);
        submit(recorder, draft, self.secrets);
    }
}

impl Tunnel {
    /// Records the intent.
    ///
    /// # Errors
    /// [`Refusal::NotRecorded`] in strict mode, if it is not durable.
    pub(super) async fn begin(
        about: About,
        recorder: &Recorder,
        mode: Mode,
    ) -> Result<Self, Refusal> {
        let mut tunnel = Self {
            call: recorder.env().new_id().into(),
            started_at: (recorder.env().now)(),
            begin: Instant::now(),
            about,
            recorder: recorder.clone(),
            address: None,
            progress: Arc::default(),
            is_over: false,
        };
        let draft = tunnel.draft(Phase::Intent);
        let secrets = tunnel.about.secrets.clone();
        if mode == Mode::Async {
            submit(recorder, draft, secrets);
            return Ok(tunnel);
        }
        let work = Box::new(move |scribe: &mut Scribe<'_>| scribe.write(&draft, &secrets));
        let durable = recorder.submit_durable(Source::ForwardProxy, 0, work).await;
        durable.map_err(|error| {
            // What cannot be recorded has no outcome either.
            tunnel.is_over = true;
            Refusal::NotRecorded(error.0.to_string())
        })?;
        Ok(tunnel)
    }

    /// The destination is reached at this address.
    pub(super) fn reached(&mut self, address: Option<IpAddr>) {
        self.address = address;
    }

    /// It came to nothing; `status` is what the client was told.
    pub(super) fn failed(mut self, refusal: &Refusal) {
        let mut draft = self.outcome(Outcome::Error, Some(refusal.message()));
        draft.status = Some(i64::from(refusal.status().as_u16()));
        if let Refusal::Dial(DialError::Refused(_)) = refusal {
            deny(&mut draft, refusal);
        }
        self.finish(draft);
    }

    /// It came to nothing after the client was told that it is there.
    pub(super) fn broke(mut self, reason: String) {
        let draft = self.outcome(Outcome::Error, Some(reason));
        self.finish(draft);
    }

    /// Passes bytes with `passing` until the end, and records it.
    pub(super) async fn run(
        mut self,
        passing: impl AsyncFnOnce(&Progress) -> Result<(), Broken>,
        stop: Receiver<bool>,
    ) {
        let progress = Arc::clone(&self.progress);
        let reason = watch(passing(&progress), &progress, stop, || self.checkpoint())
            .await
            .err();
        let result = if reason.is_none() {
            Outcome::Success
        } else {
            Outcome::Error
        };
        let mut draft = self.outcome(result, reason);
        draft.status = Some(200);
        self.finish(draft);
    }

    fn checkpoint(&self) {
        let mut draft = self.draft(Phase::Checkpoint);
        draft.time = (self.recorder.env().now)();
        self.count(&mut draft);
        submit(&self.recorder, draft, self.about.secrets.clone());
    }

    fn draft(&self, phase: Phase) -> Draft {
        let mut draft = self.about.draft(self.started_at);
        draft.phase = Some((phase, Arc::clone(&self.call)));
        draft
    }

    fn count(&self, draft: &mut Draft) {
        let progress = &self.progress;
        draft.duration_us = u64::try_from(self.begin.elapsed().as_micros()).ok();
        let meta = &mut draft.meta;
        meta.push((
            "bytes_sent",
            Meta::Number(progress.sent.load(Ordering::Relaxed)),
        ));
        meta.push((
            "bytes_received",
            Meta::Number(progress.received.load(Ordering::Relaxed)),
        ));
        if let Some(address) = self.address {
            meta.push(("address", Meta::Text(address.to_canonical().to_string())));
        }
        let hello = progress.hello().unwrap_or_default();
        meta.extend(hello.sni.map(|sni| ("sni", Meta::Text(sni))));
        if !hello.alpn.is_empty() {
            meta.push(("alpn", Meta::Text(hello.alpn.join(","))));
        }
    }

    fn outcome(&self, result: Outcome, reason: Option<String>) -> Draft {
        let mut draft = self.draft(Phase::Outcome);
        self.count(&mut draft);
        draft.result = Some(result);
        draft
            .meta
            .extend(reason.map(|reason| ("reason", Meta::Text(reason))));
        draft
    }

    fn finish(&mut self, draft: Draft) {
        self.is_over = true;
        submit(&self.recorder, draft, self.about.secrets.clone());
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        if !self.is_over {
            let draft = self.outcome(Outcome::Error, Some("the client went away".to_owned()));
            self.finish(draft);
        }
    }
}

/// Waits for the end of what passes; ends it itself when nothing passes for long, or the proxy stops. Calls `checkpoint` now
/// and then, if something has passed.
///
/// # Errors
/// Why it ended before its time.
pub(crate) async fn watch(
    passing: impl Future<Output = Result<(), Broken>>,
    progress: &Progress,
    mut stop: Receiver<bool>,
    mut checkpoint: impl FnMut(),
) -> Result<(), String> {
    let mut passing = pin!(passing);
    let first = tokio::time::Instant::now() + CHECKPOINT_EVERY;
    let mut ticks = interval_at(first, CHECKPOINT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = 0;
    loop {
        tokio::select! {
            ended = passing.as_mut() => return ended.map_err(|broken| broken.to_string()),
            _ = stop.wait_for(|stop| *stop) => break,
            _ = ticks.tick() => {}
        }
        if progress.take_moved() {
            silent = 0;
            checkpoint();
        } else {
            silent += 1;
            if silent >= IDLE_CHECKPOINTS {
                return Err("nothing passed for an hour".to_owned());
            }
        }
    }
    let silence = async {
        loop {
            sleep(STOP_SILENCE).await;
            if !progress.take_moved() {
                return;
            }
        }
    };
    tokio::select! {
        ended = passing => ended.map_err(|broken| broken.to_string()),
        _ = timeout(STOP_PATIENCE, silence) => Err("the proxy stopped".to_owned()),
    }
}

/// Marks an event as one of something that was not done.
pub(super) fn deny(draft: &mut Draft, refusal: &Refusal) {
    draft.status = Some(i64::from(refusal.status().as_u16()));
    draft.result = Some(Outcome::Error);
    if let Some(rule) = refusal.rule() {
        draft.result = Some(Outcome::Failure);
        draft.approval = Some(Approval {
            allowed: false,
            approver: "auto".to_owned(),
            rule: Some(rule.to_owned()),
            reason: Some(refusal.message()),
            waited_us: None,
        });
    }
}

pub(super) fn submit(recorder: &Recorder, draft: Draft, secrets: Vec<Secret>) {
    let work = Box::new(move |scribe: &mut Scribe<'_>| scribe.write(&draft, &secrets));
    recorder.submit(Source::ForwardProxy, 1, 0, work);
}
