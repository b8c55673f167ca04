//! A model provider on a port of its own, and a client of it: threads and bytes.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What was asked of the provider, one entry for each request that came as a whole.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// Answers every request with a small chat completion; one for `/large` with so many bytes.
    pub(crate) fn start(large_bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            bodies: Arc::default(),
        };
        let bodies = Arc::clone(&provider.bodies);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let bodies = Arc::clone(&bodies);
                thread::spawn(move || answer(stream.unwrap(), &bodies, large_bytes));
            }
        });
        provider
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The user's words in every request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, bodies: &Mutex<Vec<String>>, large_bytes: usize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let Some((first, length)) = head(&mut reader) else {
            return;
        };
        if first.contains("/large") {
            // Nobody keeps it.
            std::io::copy(
                &mut reader.by_ref().take(length as u64),
                &mut std::io::sink(),
            )
            .unwrap();
            let _ = write!(
                writer,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n\"",
                large_bytes + 2
            );
            let piece = vec![b'y'; 1 << 20];
            let mut left = large_bytes;
            while left > 0 {
                let now = left.min(piece.len());
                if writer.write_all(&piece[..now]).is_err() {
                    return;
                }
                left -= now;
            }
            let _ = writer.write_all(b"\"");
            continue;
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = String::from_utf8(body).unwrap();
        let text = words(&body);
        bodies.lock().unwrap().push(text.clone());
        let said = serde_json::json!({
            "id": "c", "object": "chat.completion", "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": format!("heard {text}")}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
        })
        .to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            said.len()
        );
        if writer
            .write_all(format!("{head}{said}").as_bytes())
            .is_err()
        {
            return;
        }
    }
}

/// First line of a request, and the length of its body.
fn head(reader: &mut impl BufRead) -> Option<(String, usize)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim().is_empty() {
            return Some((first, length));
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
}

/// The content of the only message.
fn words(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["messages"][0]["content"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Asks the provider behind a gateway; its status and words, or nothing if the connection broke.
pub(crate) fn ask(gateway: &str, text: &str, headers: &[(&str, &str)]) -> Option<(u16, String)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into();
    let mut request = agent
        .post(format!("{gateway}/openai/v1/chat/completions"))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body =
        serde_json::json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]});
    let mut answer = request.send(body.to_string()).ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.body_mut().read_to_string().ok()?))
}
