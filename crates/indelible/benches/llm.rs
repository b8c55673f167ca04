//! What recording costs a call of a model, against the same call without us in the same run: requests and answers of 1 KB one
//! after another, the time until the first token of a stream, and how many requests pass in a second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that panics measured nothing"
)]

mod local;

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use local::{Server, body, compare};

/// Bytes of a prompt and of an answer.
const TEXT_BYTES: usize = 700;
/// Connections at once, and for how long they ask.
const CONNECTIONS: usize = 32;
const ASK_FOR: Duration = Duration::from_secs(5);
/// Turns of both.
const ROUNDS: usize = 3;
/// Between two tokens of a stream.
const PAUSE: Duration = Duration::from_micros(200);

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let provider = serve();
    let settings = format!(
        "[llm]\nlisten = \"127.0.0.1:0\"\n[llm.upstream]\nopenai = \"http://{provider}\"\n"
    );
    std::fs::write(dir.path().join("serve.toml"), settings).expect("settings");
    let server = Server::start(dir.path(), "llm");
    println!("recorded by {}", server.url);
    let direct = format!("{provider} /v1/chat/completions");
    let proxied = format!("{} /openai/v1/chat/completions", server.surface);
    for (name, is_stream) in [("llm", false), ("llm first token", true)] {
        let mut connections = [&direct, &proxied].map(|at| Connection::open(at));
        let [direct, proxied] = &mut connections;
        compare(
            name,
            |_| direct.call(is_stream),
            |_| proxied.call(is_stream),
        );
    }
    for _ in 0..ROUNDS {
        println!(
            "llm requests/s on {CONNECTIONS} connections: direct {:.0}, recorded {:.0}",
            per_second(&direct),
            per_second(&proxied)
        );
    }
}

fn per_second(at: &str) -> f64 {
    let begin = Instant::now();
    let asked: usize = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(move || {
                    let mut connection = Connection::open(at);
                    let calls = std::iter::repeat_with(|| connection.call(false));
                    calls.take_while(|_| begin.elapsed() < ASK_FOR).count()
                })
            })
            .collect();
        asking
            .into_iter()
            .map(|one| one.join().expect("a client"))
            .sum()
    });
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let asked = asked as f64;
    asked / begin.elapsed().as_secs_f64()
}

/// A client over one connection.
struct Connection {
    stream: BufReader<TcpStream>,
    path: String,
}

impl Connection {
    /// `at` is an address and a path.
    fn open(at: &str) -> Self {
        let (address, path) = at.split_once(' ').expect("an address and a path");
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream: BufReader::new(stream),
            path: path.to_owned(),
        }
    }

    /// How long the answer takes, or the first token of the stream.
    fn call(&mut self, is_stream: bool) -> Duration {
        let prompt = "a ".repeat(TEXT_BYTES / 2);
        let body = format!(
            "{{\"model\":\"gpt-4o-mini\",\"stream\":{is_stream},\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
        );
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer sk-a-key-of-the-provider-1234\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.path,
            body.len()
        );
        let begin = Instant::now();
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("a server");
        if !is_stream {
            let answer = self::body(&mut self.stream).expect("an answer");
            let taken = begin.elapsed();
            assert!(answer.contains("chat.completion"), "{answer}");
            return taken;
        }
        self.read_until("\"delta\"");
        let taken = begin.elapsed();
        self.read_until("[DONE]");
        // The end of that chunk, and the last one.
        for _ in 0..4 {
            self.stream.read_line(&mut String::new()).expect("an end");
        }
        taken
    }

    fn read_until(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.stream.read_line(&mut line).expect("an answer") > 0);
        }
    }
}

/// A model that always says the same, on a thread for each connection; its address.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            stream.get_mut().set_nodelay(true).expect("a socket");
            std::thread::spawn(move || {
                while let Some(request) = body(&mut stream) {
                    let is_stream = request.contains("\"stream\":true");
                    let told = if is_stream {
                        stream_tokens(stream.get_mut())
                    } else {
                        stream.get_mut().write_all(answer().as_bytes())
                    };
                    if told.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn answer() -> String {
    let text = "b ".repeat(TEXT_BYTES / 2);
    let body = format!(
        "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":350,\"completion_tokens\":350,\"total_tokens\":700}}}}"
    );
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn stream_tokens(stream: &mut TcpStream) -> std::io::Result<()> {
    let chunk = |data: &str| format!("{:x}\r\n{data}\r\n", data.len());
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )?;
    for token in ["one", "two", "three"] {
        let event = format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-mini\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{token}\"}}}}]}}\n\n"
        );
        stream.write_all(chunk(&event).as_bytes())?;
        std::thread::sleep(PAUSE);
    }
    stream.write_all(chunk("data: [DONE]\n\n").as_bytes())?;
    stream.write_all(b"0\r\n\r\n")
}
