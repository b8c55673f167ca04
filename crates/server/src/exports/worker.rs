//! The thread that makes exports, one after the other.

use std::{
    sync::{Arc, PoisonError},
    thread::JoinHandle,
};

use super::{Export, Exports, Progress, State, Status, make};
use crate::{
    node::Node,
    problem::{Code, Problem},
};

/// The thread; ended by [`Worker::stop`].
pub(crate) struct Worker {
    node: Arc<Node>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts it. Without a thread exports wait for the next start, which is told in the server's log.
    pub(crate) fn start(node: &Arc<Node>) -> Self {
        let work = Arc::clone(node);
        let thread = std::thread::Builder::new()
            .name("exports".to_owned())
            .spawn(move || run(&work));
        let thread = thread.map_err(|error| tracing::error!(%error, "no thread for exports"));
        Self {
            node: Arc::clone(node),
            thread: thread.ok(),
        }
    }

    /// Ends what is made and waits for it. Blocks.
    pub(crate) fn stop(mut self) {
        self.node.exports().stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for exports panicked");
        }
    }
}

fn run(node: &Node) {
    let exports = node.exports();
    while let Some(export) = exports.next() {
        let id = export.id.clone();
        tracing::info!(export = id, "an export begins");
        match make::make(node, &export) {
            Ok(made) => exports.end(&id, |export| {
                export.status = Status::Done;
                export.counts = made.counts;
                export.bytes = made.bytes;
                export.sha256 = Some(made.sha256);
                export.event_seq = Some(made.event_seq);
            }),
            Err(problem) => exports.end(&id, |export| {
                export.status = Status::Failed;
                export.error = Some(problem.detail().to_owned());
            }),
        }
        exports.finished(node, &export);
    }
}

impl Exports {
    /// Waits for the next export and marks it as under way; none when the server stops.
    fn next(&self) -> Option<Export> {
        let mut state = self.lock();
        loop {
            if self.is_stopping() {
                return None;
            }
            let next = state.waiting.pop_front();
            if let Some(export) = next.and_then(|id| state.all.get_mut(&id)) {
                export.status = Status::Running;
                let export = export.clone();
                state.progress = Some(Progress::default());
                self.files.save(&export);
                return Some(export);
            }
            state = self
                .called
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Changes what is known of an export that was under way. One that was removed meanwhile stays removed.
    fn end(&self, id: &str, change: impl FnOnce(&mut Export)) {
        let mut state = self.lock();
        let total = state.progress.take().map_or(0, |progress| progress.total);
        if let Some(export) = state.all.get_mut(id) {
            export.total = total;
            change(export);
        }
    }

    /// Notes the end of an export, or removes what is left of one that was removed meanwhile.
    fn finished(&self, node: &Node, begun: &Export) {
        let mut state = self.lock();
        self.files.clear(begun);
        let Some(export) = state.all.get_mut(&begun.id) else {
            self.files.remove(begun);
            return;
        };
        export.finished_at = Some(node.now().0);
        tracing::info!(export = begun.id, status = ?export.status, bytes = export.bytes, "an export ended");
        self.files.save(export);
    }

    /// Notes how far the export under way has come, and whether to go on with it.
    pub(super) fn go_on(&self, id: &str, done: u64) -> Result<(), Problem> {
        let mut state = self.lock();
        if let Some(progress) = &mut state.progress {
            progress.done = done;
        }
        let problem = |detail: &str| Err(Problem::new(Code::Busy, detail));
        if self.is_stopping() {
            return problem("the server was stopped before it was finished");
        }
        if !state.all.contains_key(id) {
            return problem("it was removed");
        }
        Ok(())
    }

    /// Whether there is room for an export that has grown to so many bytes.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), Problem> {
        let used = self.lock().used().saturating_add(bytes);
        if used > self.limit_bytes {
            let detail = "exports may take no more room: `exports.limit_gib`";
            return Err(Problem::new(Code::Busy, detail));
        }
        if !self.files.has_room() {
            let detail = "the disk has no room left that the log does not need";
            return Err(Problem::new(Code::Busy, detail));
        }
        Ok(())
    }

    pub(super) fn expect(&self, total: u64) {
        if let Some(progress) = &mut self.lock().progress {
            progress.total = total;
        }
    }
}

impl State {
    /// Bytes of all finished exports.
    pub(super) fn used(&self) -> u64 {
        self.all.values().map(|export| export.bytes).sum()
    }
}
