//! What recording costs a call of an MCP server, against the same call without us in the same run. Calls one after another,
//! direct and recorded by turns, so that both see the same machine.
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
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use local::{KEY, PROGRAM, Server, body, compare};

/// Bytes of arguments and of a result.
const TEXT_BYTES: usize = 1_000;

fn main() {
    if std::env::args().any(|arg| arg == "serve-stdio") {
        return serve_stdio();
    }
    let dir = tempfile::tempdir().expect("a directory");
    let upstream = serve_http();
    let settings =
        format!("[mcp]\nlisten = \"127.0.0.1:0\"\n[mcp.upstream]\ns = \"http://{upstream}/\"\n");
    std::fs::write(dir.path().join("serve.toml"), settings).expect("settings");
    let server = Server::start(dir.path(), "mcp");
    let own = std::env::current_exe().expect("this program");
    let mut direct = Piped::start(Command::new(&own).arg("serve-stdio"));
    let mut wrapped = Command::new(PROGRAM);
    wrapped
        .args(["mcp", "--"])
        .arg(&own)
        .arg("serve-stdio")
        .env("INDELIBLE_URL", &server.url)
        .env("INDELIBLE_KEY", KEY)
        .env("INDELIBLE_SPOOL", dir.path().join("spool"));
    let mut wrapped = Piped::start(&mut wrapped);
    compare(
        "mcp stdio",
        |n| timed(|| direct.call(n)),
        |n| timed(|| wrapped.call(n)),
    );
    let mut direct = Http::connect(&upstream, "/");
    let mut proxied = Http::connect(&server.surface, "/s");
    compare(
        "mcp HTTP",
        |n| timed(|| direct.call(n)),
        |n| timed(|| proxied.call(n)),
    );
}

/// How long a call takes.
fn timed(call: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    call();
    begin.elapsed()
}

fn request(n: usize) -> String {
    let text = "a".repeat(TEXT_BYTES);
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{n},\"method\":\"tools/call\",\"params\":{{\"name\":\"echo\",\"arguments\":{{\"text\":\"{text}\"}}}}}}"
    )
}

fn answer(id: &str) -> String {
    let text = "b".repeat(TEXT_BYTES);
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}}}}"
    )
}

/// The id of a request as it is written above.
fn id(request: &str) -> &str {
    let (_, rest) = request.split_once("\"id\":").expect("an id");
    rest.split(',').next().expect("an id")
}

fn serve_stdio() {
    let mut stdout = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = answer(id(&line.expect("a line")));
        stdout
            .write_all(format!("{answer}\n").as_bytes())
            .expect("a client");
        stdout.flush().expect("a client");
    }
}

/// Answers on a thread for each connection; its address.
fn serve_http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            std::thread::spawn(move || {
                while let Some(request) = body(&mut stream) {
                    let answer = answer(id(&request));
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                        answer.len()
                    );
                    let answer = format!("{head}{answer}");
                    if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A client over standard streams.
struct Piped {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Piped {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        Self {
            stdin: child.stdin.take().expect("its input"),
            stdout: BufReader::new(child.stdout.take().expect("its output")),
            child,
        }
    }

    fn call(&mut self, n: usize) {
        let line = format!("{}\n", request(n));
        self.stdin.write_all(line.as_bytes()).expect("a server");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("an answer");
        assert_eq!(id(&line), n.to_string());
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client over one connection.
struct Http {
    stream: BufReader<TcpStream>,
    path: &'static str,
}

impl Http {
    fn connect(address: &str, path: &'static str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream: BufReader::new(stream),
            path,
        }
    }

    fn call(&mut self, n: usize) {
        let body = request(n);
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n",
            self.path,
            body.len()
        );
        let request = format!("{head}{body}");
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("a server");
        let answer = self::body(&mut self.stream).expect("an answer");
        assert_eq!(id(&answer), n.to_string());
    }
}
