use std::sync::{Mutex, atomic::AtomicBool};

use serde_json::Value;

use super::*;
use crate::{
    config::Mode,
    env::Env,
    identity::Scope,
    mcp::{Catalogue, stdio::Recording},
    recorder::{Outlet, Recorder, SpoolSettings},
    redact::Redactor,
    sink::{Receipts, Sink, SinkError},
};

/// What was recorded, by lines.
#[derive(Default)]
struct Trail(Mutex<Vec<u8>>);

impl Sink for Trail {
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
        self.0.lock().unwrap().extend_from_slice(lines);
        Ok(Receipts::default())
    }
}

#[test]
fn what_passes_unseen_is_counted_to_the_last_byte() {
    let dir = tempfile::tempdir().unwrap();
    let settings = SpoolSettings {
        dir: dir.path().to_owned(),
        limit_bytes: 1 << 20,
        vouches: Arc::new(AtomicBool::new(true)),
    };
    let trail = Arc::new(Trail::default());
    let redactor = Redactor::new(None, &[], &[0; 32]).unwrap();
    let outlet = Outlet(settings, Arc::clone(&trail) as _);
    let running = Recorder::start(Env::system(), Arc::new(redactor), outlet).unwrap();
    let recording = Recording {
        recorder: running.recorder().clone(),
        catalogue: Arc::new(Catalogue::new(Env::system(), None)),
        scope: Scope::default(),
        mode: Mode::Async,
        argv: vec!["cat".into()],
    };
    let watched = Watched::begin(&recording, Instant::now());
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    watched.submit(move |_, _| wait.recv().unwrap());
    let mut tap = watched.tap(Side::Client);
    tap.patience = Duration::ZERO;
    // More than a recorder that does nothing holds.
    let piece = vec![b' '; 1 << 20];
    let lost = (0..80).filter(|_| {
        tap.see(&piece);
        tap.is_behind
    });
    let lost = lost.count() << 20;
    tap.end();
    go_on.send(()).unwrap();
    watched.end(std::process::ExitStatus::default());
    drop((tap, watched, recording));
    assert!(running.stop(Duration::from_mins(1)));
    let lines = trail.0.lock().unwrap();
    let mut events = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let outcome = events
        .find(|event| event["producer"]["phase"] == "outcome")
        .unwrap();
    let missed = outcome["meta"]["missed_bytes"].as_u64().unwrap();
    assert!(lost > 0);
    assert_eq!(missed, lost as u64);
}
