use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use event::Micros;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;
use crate::{
    draft::Draft,
    http::{Listener, empty},
    identity::Scope,
    sink::{Receipts, Rejected, SinkError},
};

/// A server that can be away, and may refuse events.
#[derive(Default)]
struct Server {
    is_down: AtomicBool,
    refuses: Option<&'static str>,
    /// Answers that got lost: the events were taken and nobody knows.
    forgets: AtomicBool,
    events: Mutex<Vec<Value>>,
}

impl Server {
    /// Events in their order, each id once, as a server keeps them.
    fn recorded(&self) -> Vec<Value> {
        let mut seen = std::collections::HashSet::new();
        let events = self.events.lock().unwrap().clone();
        events
            .into_iter()
            .filter(|event| seen.insert(event["id"].clone()))
            .collect()
    }
}

impl Sink for Server {
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
        let unreachable = SinkError::Unreachable {
            url: "http://test".to_owned(),
            reason: "down".to_owned(),
        };
        if self.is_down.load(Ordering::SeqCst) {
            return Err(unreachable);
        }
        let mut receipts = Receipts::default();
        for (index, line) in lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .enumerate()
        {
            let event: Value = serde_json::from_slice(line).unwrap();
            if self.refuses.is_some_and(|action| event["action"] == action) {
                receipts.rejected.push(Rejected {
                    index,
                    code: "test".to_owned(),
                });
            } else {
                self.events.lock().unwrap().push(event);
            }
        }
        if self.forgets.swap(false, Ordering::SeqCst) {
            return Err(unreachable);
        }
        Ok(receipts)
    }
}

fn start(outlet: Outlet) -> Running {
    let redactor = Redactor::new(None, &[], &[0; 32]).unwrap();
    Recorder::start(Env::system(), Arc::new(redactor), outlet).unwrap()
}

fn spool(dir: &std::path::Path, limit_bytes: u64, server: &Arc<Server>) -> Outlet {
    let settings = SpoolSettings {
        dir: dir.to_owned(),
        limit_bytes,
        vouches: Arc::new(AtomicBool::new(true)),
    };
    Outlet(settings, Arc::clone(server) as SharedSink)
}

fn write(recorder: &Recorder, action: &str) {
    let work = work(action);
    recorder.submit(Source::Llm, 1, 100, work);
}

fn work(action: &str) -> Work {
    let draft = Draft::new(
        Source::Llm,
        Arc::new(Scope::default()),
        Micros(1),
        action.to_owned(),
    );
    Box::new(move |scribe| scribe.write(&draft, &[]))
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["producer"]["seq"].as_u64().unwrap())
        .collect()
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_while_the_server_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::default());
    server.is_down.store(true, Ordering::SeqCst);
    let running = start(spool(dir.path(), 1 << 30, &server));
    (0..100).for_each(|n| write(running.recorder(), &format!("a{n}")));
    assert!(!running.stop(Duration::ZERO), "everything waits on disk");
    server.forgets.store(true, Ordering::SeqCst);
    server.is_down.store(false, Ordering::SeqCst);
    let running = start(spool(dir.path(), 1 << 30, &server));
    (100..200).for_each(|n| write(running.recorder(), &format!("a{n}")));
    assert!(running.stop(Duration::from_mins(1)));
    let events = server.recorded();
    let actions: Vec<_> = events
        .iter()
        .map(|event| event["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        actions,
        (0..200).map(|n| format!("a{n}")).collect::<Vec<_>>()
    );
    assert_eq!(seqs(&events), (0..200).collect::<Vec<_>>());
    assert_eq!(events[0]["producer"]["id"], events[199]["producer"]["id"]);
}

#[test]
fn a_full_spool_counts_what_it_loses_and_records_the_count() {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::default());
    server.is_down.store(true, Ordering::SeqCst);
    let running = start(spool(dir.path(), 20_000, &server));
    (0..1_000).for_each(|n| write(running.recorder(), &format!("a{n}")));
    // The queue has been worked off when the losses do not grow any more: this job comes after all of them.
    let (done, worked_off) = mpsc::channel();
    running
        .recorder()
        .submit(Source::Llm, 0, 0, Box::new(move |_| done.send(()).unwrap()));
    worked_off.recv().unwrap();
    server.is_down.store(false, Ordering::SeqCst);
    assert!(running.stop(Duration::from_mins(1)));
    // What could not be recorded before the stop is recorded by it, or by the next start.
    let events = server.recorded();
    let lost: u64 = events
        .iter()
        .filter(|event| event["action"] == "gap")
        .map(|gap| {
            assert_eq!(gap["source"], "llm");
            gap["meta"]["lost"]["spool_full"].as_u64().unwrap()
        })
        .sum();
    let kept = events
        .iter()
        .filter(|event| event["action"] != "gap")
        .count() as u64;
    assert!(lost > 0, "the spool was never full");
    assert_eq!(kept + lost, 1_000);
    assert_eq!(seqs(&events), (0..events.len() as u64).collect::<Vec<_>>());
}

#[test]
fn what_the_server_refuses_is_a_recorded_loss() {
    let server = Arc::new(Server {
        refuses: Some("bad"),
        ..Server::default()
    });
    let dir = tempfile::tempdir().unwrap();
    let running = start(spool(dir.path(), 1 << 20, &server));
    for action in ["good", "bad", "good"] {
        write(running.recorder(), action);
    }
    assert!(running.stop(Duration::from_mins(1)));
    let events = server.recorded();
    let gap = events
        .iter()
        .find(|event| event["action"] == "gap")
        .unwrap();
    assert_eq!(gap["meta"]["lost"]["rejected"], 1);
    assert_eq!(
        seqs(&events),
        [0, 2, 3],
        "the number of the refused event stays a hole"
    );
}

#[test]
fn an_event_is_durable_when_that_was_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::default());
    server.is_down.store(true, Ordering::SeqCst);
    let running = start(spool(dir.path(), 3_000, &server));
    let recorder = running.recorder().clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let results: Vec<_> = (0..30)
        .map(|n| runtime.block_on(recorder.submit_durable(Source::Llm, 10, work(&format!("a{n}")))))
        .collect();
    let durable = results.iter().take_while(|result| result.is_ok()).count();
    assert!((1..30).contains(&durable), "{durable}");
    assert!(
        results[durable..]
            .iter()
            .all(|result| *result == Err(NotRecorded(Cause::SpoolFull)))
    );
    assert_eq!(recorder.losses().total(), 0, "what was refused is not lost");
    server.is_down.store(false, Ordering::SeqCst);
    assert!(running.stop(Duration::from_mins(1)));
    assert_eq!(server.recorded().len(), durable);
}

#[test]
fn who_begins_waits_while_the_recorder_has_much_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::default());
    let running = start(spool(dir.path(), 1 << 20, &server));
    let recorder = running.recorder();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(recorder.queue.poll_room_to_begin(&mut context).is_ready());
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let busy = Box::new(move |_: &mut Scribe<'_>| wait.recv().unwrap());
    recorder.submit(Source::Llm, 0, 0, busy);
    for _ in 0..queue::MAX_JOBS / 2 {
        recorder.submit(Source::Llm, 0, 0, Box::new(|_| ()));
    }
    let begin = recorder.queue.poll_room_to_begin(&mut context);
    assert!(begin.is_pending());
    assert!(recorder.poll_room(&mut context).is_ready(), "bodies go on");
    go_on.send(()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(std::future::poll_fn(|context| {
        recorder.queue.poll_room_to_begin(context)
    }));
    assert_eq!(recorder.losses().total(), 0);
    assert!(running.stop(Duration::from_mins(1)));
}

#[test]
fn a_request_begins_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::default());
    let running = start(spool(dir.path(), 1 << 20, &server));
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let busy = Box::new(move |_: &mut Scribe<'_>| wait.recv().unwrap());
    running.recorder().submit(Source::Llm, 0, 0, busy);
    for _ in 0..queue::MAX_JOBS / 2 {
        let work = Box::new(|_: &mut Scribe<'_>| ());
        running.recorder().submit(Source::Llm, 0, 0, work);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(async {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let mut client = TcpStream::connect(listener.address()).await.unwrap();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let recorder = running.recorder().clone();
        let serving = tokio::spawn(async move {
            let queue = Arc::clone(&recorder.queue);
            let handle = move |_, _| {
                let had_room = queue.has_room_to_begin();
                let status = if had_room { 200 } else { 503 };
                let answer = hyper::Response::builder().status(status);
                std::future::ready(answer.body(empty()).unwrap())
            };
            let patience = Duration::from_secs(1);
            listener.serve(&recorder, handle, stopped, patience).await;
        });
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        // Time in which it would have begun.
        tokio::time::sleep(Duration::from_millis(100)).await;
        go_on.send(()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        stop.send_replace(true);
        serving.await.unwrap();
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(running.stop(Duration::from_mins(1)));
}

#[test]
fn a_decoder_that_fails_costs_one_event() {
    let server = Arc::new(Server::default());
    let dir = tempfile::tempdir().unwrap();
    let running = start(spool(dir.path(), 1 << 20, &server));
    write(running.recorder(), "before");
    running.recorder().submit(
        Source::Llm,
        1,
        0,
        Box::new(|scribe| {
            work("half")(scribe);
            panic!("a fault in a decoder, thrown by this test");
        }),
    );
    write(running.recorder(), "after");
    assert!(running.stop(Duration::from_mins(1)));
    let events = server.recorded();
    let actions: Vec<_> = events
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["before", "after", "gap"]);
    assert_eq!(seqs(&events), [0, 1, 2]);
}

#[test]
fn a_server_that_is_away_is_not_waited_for_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::default());
    server.is_down.store(true, Ordering::SeqCst);
    let running = start(spool(dir.path(), 1 << 20, &server));
    write(running.recorder(), "x");
    // Nobody would wait for the end of this test.
    let patience = Duration::from_hours(24);
    assert!(!running.stop(patience), "it waits on disk");
}
