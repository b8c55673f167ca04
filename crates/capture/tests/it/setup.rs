//! A gateway, what it sends to, and clients that write bytes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, Condvar, Mutex, atomic::AtomicBool},
    time::{Duration, Instant},
};

use indelible_capture::{
    Env,
    config::{AgentConfig, Mode},
    gateway::{Destination, Gateway, Settings, Surroundings},
    llm::LlmConfig,
    recorder::{Outlet, SpoolSettings},
    sink::{Receipts, Sink, SinkError},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::disk::Disk;
use crate::upstream::{Script, Seen, Upstream};

/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in memory, which checks what it gets as the real one would.
#[derive(Default)]
pub(crate) struct Trail {
    lines: Mutex<Vec<String>>,
    arrived: Condvar,
}

impl Trail {
    /// The events, once there are so many of them.
    pub(crate) fn events(&self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines.lock().unwrap();
        while lines.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{} of {count} events: {lines:#?}",
                lines.len()
            );
            lines = self.arrived.wait_timeout(lines, left).unwrap().0;
        }
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Intent and outcome of the only call.
    pub(crate) fn call(&self) -> (Value, Value) {
        let events = self.events(2);
        assert_eq!(events.len(), 2, "{events:#?}");
        let [intent, outcome] = <[Value; 2]>::try_from(events).unwrap();
        assert_eq!(intent["producer"]["phase"], "intent");
        assert_eq!(outcome["producer"]["phase"], "outcome");
        assert_eq!(intent["producer"]["call"], outcome["producer"]["call"]);
        (intent, outcome)
    }

    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap().concat()
    }
}

impl Sink for Trail {
    fn send(&self, lines: &[u8]) -> Result<Receipts, SinkError> {
        let by = event::Submitter {
            gateway: true,
            ..event::Submitter::default()
        };
        let dedup = event::DedupKey::new(&[0; 32]);
        for line in lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            event::prepare(line, &by, &dedup, &event::Limits::default()).unwrap();
            self.lines
                .lock()
                .unwrap()
                .push(String::from_utf8(line.to_vec()).unwrap());
        }
        self.arrived.notify_all();
        Ok(Receipts::default())
    }
}

/// A gateway with one upstream under every provider's name.
pub(crate) struct Setup {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) upstream: Upstream,
    pub(crate) trail: Arc<Trail>,
    pub(crate) disk_is_full: Arc<AtomicBool>,
    pub(crate) address: SocketAddr,
    gateway: Option<Gateway>,
    _dir: TempDir,
}

impl Setup {
    pub(crate) fn new(handler: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        Self::with(handler, |_, _| {})
    }

    /// Settings may be changed; files that they name lie in the directory.
    pub(crate) fn with(
        handler: impl Fn(&Seen) -> Script + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings, &Path),
    ) -> Self {
        Self::within(&Surroundings::default(), handler, change)
    }

    /// One that trusts a certificate.
    pub(crate) fn trusting(certificate: &Path, change: impl FnOnce(&mut Settings)) -> Self {
        let surroundings = Surroundings {
            ssl_cert_file: Some(certificate.to_owned()),
            ..Surroundings::default()
        };
        Self::within(
            &surroundings,
            |_| unreachable!(),
            |settings, _| change(settings),
        )
    }

    fn within(
        surroundings: &Surroundings,
        handler: impl Fn(&Seen) -> Script + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings, &Path),
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let upstream = runtime.block_on(Upstream::start(handler));
        let dir = tempfile::tempdir().unwrap();
        let mut llm = LlmConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..LlmConfig::default()
        };
        for name in ["openai", "anthropic", "gemini", "bedrock", "other"] {
            llm.upstream.insert(name.to_owned(), upstream.url());
        }
        let mut settings = Settings {
            llm: Some(llm),
            ..Settings::default()
        };
        change(&mut settings, dir.path());
        let trail = Arc::new(Trail::default());
        let spool = SpoolSettings {
            dir: dir.path().join("spool"),
            limit_bytes: 1 << 30,
            vouches: Arc::new(AtomicBool::new(true)),
        };
        let destination = Destination {
            outlet: Outlet(spool, Arc::clone(&trail) as Arc<dyn Sink>),
            redaction_key: [7; 32],
            ask: None,
        };
        let disk_is_full = Arc::new(AtomicBool::new(false));
        let env = Env {
            fs: Arc::new(Disk(Arc::clone(&disk_is_full))),
            ..Env::system()
        };
        let gateway = Gateway::start(&settings, surroundings, destination, env);
        let gateway = runtime.block_on(gateway).unwrap();
        Self {
            address: gateway.addresses()[0].1,
            gateway: Some(gateway),
            runtime,
            upstream,
            trail,
            disk_is_full,
            _dir: dir,
        }
    }

    /// A strict one.
    pub(crate) fn strict(handler: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        Self::with(handler, |settings, _| settings.gateway.mode = Mode::Strict)
    }

    pub(crate) fn connect(&self) -> Client {
        Client::new(self.address)
    }

    /// Sends a whole request on a connection of its own and reads the answer.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut client = self.connect();
        client.post(path, headers, body);
        client.answer()
    }

    /// Stops the gateway; everything that it has seen is recorded afterwards.
    pub(crate) fn stop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            assert!(self.runtime.block_on(gateway.stop()));
        }
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            self.runtime.block_on(gateway.stop());
        }
    }
}

/// An agent with a token in a file.
pub(crate) fn agent(dir: &Path, id: &str, token: &str) -> AgentConfig {
    let token_file = dir.join(format!("{id}.token"));
    std::fs::write(&token_file, format!("{token}\n")).unwrap();
    AgentConfig {
        id: id.to_owned(),
        token_file,
    }
}

/// A client that writes and reads bytes of HTTP/1.1.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as it should.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (other, value) = line.split_once(':')?;
            other.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        self.write(format!(
            "POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n{body}",
            body.len(),
            headers.concat()
        ));
    }

    /// The head of an answer.
    pub(crate) fn head(&mut self) -> String {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                let rest = self.buffer.split_off(end + 4);
                let head = std::mem::replace(&mut self.buffer, rest);
                return String::from_utf8(head).unwrap();
            }
            assert!(
                self.fill(),
                "the connection ended: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        }
    }

    /// Reads until the text has come; everything up to its end.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, text.as_bytes()) {
                let rest = self.buffer.split_off(at + text.len());
                let seen = std::mem::replace(&mut self.buffer, rest);
                return String::from_utf8(seen).unwrap();
            }
            assert!(self.fill(), "the connection ended before {text:?}");
        }
    }

    /// Reads until the text has come, and takes nothing away.
    pub(crate) fn peek(&mut self, text: &str) {
        let seen = self.until(text);
        self.buffer.splice(..0, seen.into_bytes());
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
            is_whole: false,
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            (answer.body, answer.is_whole) = self.chunks();
        } else {
            let length: usize = answer
                .header("content-length")
                .unwrap_or("0")
                .parse()
                .unwrap();
            while self.buffer.len() < length && self.fill() {}
            answer.is_whole = self.buffer.len() >= length;
            answer.body = self.buffer.drain(..length.min(self.buffer.len())).collect();
        }
        answer
    }

    fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let Some(end) = self.line_end() else {
                return (body, false);
            };
            let line = String::from_utf8(self.buffer.drain(..end + 2).collect()).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            while self.buffer.len() < length + 2 {
                if !self.fill() {
                    return (body, false);
                }
            }
            body.extend(self.buffer.drain(..length));
            self.buffer.drain(..2);
            if length == 0 {
                return (body, true);
            }
        }
    }

    fn line_end(&mut self) -> Option<usize> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n") {
                return Some(end);
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// Whether more came.
    fn fill(&mut self) -> bool {
        let mut more = [0; 16 << 10];
        let read = self.stream.read(&mut more).unwrap_or(0);
        self.buffer.extend_from_slice(&more[..read]);
        read > 0
    }
}

/// Waits for what must come true.
pub(crate) fn wait_for(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
