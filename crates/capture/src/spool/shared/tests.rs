use std::sync::Mutex;

use journal::RealFs;

use super::*;
use crate::sink::{Receipts, Sink, SinkError};

fn spool() -> (tempfile::TempDir, SharedSpool) {
    let dir = tempfile::tempdir().unwrap();
    let spool = SharedSpool::new(Arc::new(RealFs), &dir.path().join("spool"));
    (dir, spool)
}

/// Takes so many batches, then nobody is there.
#[derive(Default)]
struct Server {
    lines: Mutex<Vec<String>>,
    batches: Mutex<usize>,
}

impl Server {
    fn taking(batches: usize) -> Self {
        Self {
            batches: Mutex::new(batches),
            ..Self::default()
        }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl Sink for Server {
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
        let mut left = self.batches.lock().unwrap();
        *left = left.checked_sub(1).ok_or(SinkError::Stopped)?;
        let text = std::str::from_utf8(lines).unwrap();
        let mut all = self.lines.lock().unwrap();
        all.extend(text.lines().map(ToOwned::to_owned));
        Ok(Receipts::default())
    }
}

#[test]
fn events_wait_until_they_are_delivered() {
    let (_dir, spool) = spool();
    assert_eq!(spool.waiting().unwrap(), Waiting::default());
    spool.put(b"{\"n\":1}").unwrap();
    spool.put_soon(b"{\"n\":2}").unwrap();
    let first = spool.waiting().unwrap();
    assert_eq!(first.events, [b"{\"n\":1}", b"{\"n\":2}"]);
    // Put by another process between reading and forgetting.
    spool.put(b"{\"n\":3}").unwrap();
    spool.delivered(&first).unwrap();
    let second = spool.waiting().unwrap();
    assert_eq!(second.events, [b"{\"n\":3}"]);
    spool.delivered(&second).unwrap();
    assert_eq!(spool.waiting().unwrap().events, Vec::<Vec<u8>>::new());
}

#[test]
fn a_batch_is_bounded_and_the_rest_follows() {
    let (_dir, spool) = spool();
    for n in 0..3 {
        let mut event = vec![b'x'; BATCH_BYTES];
        event.push(b'0' + n);
        spool.put(&event).unwrap();
    }
    assert_eq!(spool.waiting().unwrap().events.len(), 1);
    let server = Server::taking(10);
    assert_eq!(spool.deliver(&server).unwrap(), Some(3));
    let ends: String = server
        .lines()
        .iter()
        .map(|line| line.chars().last().unwrap())
        .collect();
    assert_eq!(ends, "012");
    assert_eq!(*server.batches.lock().unwrap(), 7);
}

#[test]
fn processes_that_put_at_once_lose_nothing() {
    let (_dir, spool) = spool();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| spool.put_soon(b"{}").unwrap()));
        }
    });
    assert_eq!(spool.count().unwrap(), 100);
    let server = Server::taking(1);
    assert_eq!(spool.deliver(&server).unwrap(), Some(100));
}

#[test]
fn a_server_that_goes_away_leaves_the_rest_waiting() {
    let (_dir, spool) = spool();
    let event = vec![b'x'; BATCH_BYTES];
    (0..3).for_each(|_| spool.put_soon(&event).unwrap());
    assert!(spool.deliver(&Server::taking(2)).is_err());
    assert_eq!(spool.count().unwrap(), 1);
    assert_eq!(spool.deliver(&Server::taking(1)).unwrap(), Some(1));
}

#[test]
fn one_process_delivers_and_others_do_not_wait_for_it() {
    let (_dir, spool) = spool();
    spool.put(b"{}").unwrap();
    let turn = spool.files.turn().unwrap();
    assert!(turn.is_some());
    assert_eq!(spool.deliver(&Server::taking(1)).unwrap(), None);
    spool.put(b"{}").unwrap();
    drop(turn);
    assert_eq!(spool.deliver(&Server::taking(1)).unwrap(), Some(2));
    assert!(!spool.is_watched().unwrap());
    let watch = spool.watch().unwrap();
    assert!(spool.is_watched().unwrap() && spool.watch().unwrap().is_none());
    // Whoever delivers now and then is not kept from it.
    assert_eq!(spool.deliver(&Server::taking(1)).unwrap(), Some(0));
    drop(watch);
    assert!(!spool.is_watched().unwrap());
}

#[test]
fn a_full_spool_refuses_counts_and_has_room_again() {
    let (_dir, spool) = spool();
    let spool = spool.limited(3 << 10);
    let mut kept = 0;
    let error = loop {
        match spool.put(&[b'x'; 1_000]) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SpoolError::Full { .. }), "{error}");
    assert_eq!(kept, 4);
    spool.count_lost(Source::Hook).unwrap();
    spool.count_lost(Source::Hook).unwrap();
    let server = Server::taking(9);
    assert_eq!(spool.deliver(&server).unwrap(), Some(4));
    spool.put(b"{}").unwrap();
    let told: Vec<serde_json::Value> = server.lines()[4..]
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["action"], "gap");
    assert_eq!(told[0]["source"], "hook");
    assert_eq!(told[0]["meta"]["lost"]["spool_full"], 2);
    assert_eq!(spool.deliver(&server).unwrap(), Some(1));
    assert_eq!(server.lines().len(), 6, "what was lost is told once");
}

#[test]
fn a_loss_that_was_told_and_not_forgotten_is_told_in_the_same_words() {
    let (_dir, spool) = spool();
    spool.count_lost(Source::Hook).unwrap();
    let server = Server::taking(2);
    let lost = spool.files.lost("7-ab").unwrap();
    send_twice(&server, &spool, &lost);
    let lines = server.lines();
    assert_eq!(lines[0], lines[1]);
}

/// As if the process had ended between the server's word and the removal.
fn send_twice(server: &Server, spool: &SharedSpool, lost: &[files::Lost]) {
    assert_eq!(lost.len(), 1);
    deliver::tell(server, &lost[0]).unwrap();
    let again = spool.files.lost("8-cd").unwrap();
    deliver::tell(server, &again[0]).unwrap();
}

#[test]
fn an_event_that_a_crash_has_cut_is_not_sent() {
    let (_dir, spool) = spool();
    spool.put(b"{\"n\":1}").unwrap();
    let waiting = spool.dir().join("waiting");
    for (name, bytes) in [
        ("00-a.event", &b""[..]),
        ("01-b.event", b"{\"n\":"),
        ("02-c.tmp", b"{}"),
    ] {
        std::fs::write(waiting.join(name), bytes).unwrap();
    }
    let server = Server::taking(1);
    assert_eq!(spool.deliver(&server).unwrap(), Some(1));
    assert_eq!(server.lines(), ["{\"n\":1}"]);
    assert_eq!(spool.count().unwrap(), 0);
}
