//! A client that sends exactly what a test says.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A request that is being put together.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let call = Self::new("POST", path).header("content-type", content_type);
        Self {
            body: Some(body.into()),
            ..call
        }
    }

    pub(crate) fn put(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "PUT".to_owned(),
            ..Self::post(path, content_type, body)
        }
    }

    pub(crate) fn json(path: &str, body: &Value) -> Self {
        Self::post(path, "application/json", body.to_string())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn send(&self, to: SocketAddr) -> Reply {
        let mut stream = TcpStream::connect(to).unwrap();
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if let Some(body) = &self.body {
            write!(head, "content-length: {}\r\n", body.len()).unwrap();
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        if let Some(body) = &self.body {
            stream.write_all(body).unwrap();
        }
        Reply::read(&mut stream)
    }
}

impl Reply {
    /// Reads an answer up to the end of the connection.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let split = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("an answer has a head");
        let head = std::str::from_utf8(&bytes[..split]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        Self {
            status: status.parse().unwrap(),
            headers: lines
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: bytes[split + 4..].to_vec(),
        }
        .unchunked()
    }

    /// The body without the lengths of its chunks.
    fn unchunked(mut self) -> Self {
        if self.header("transfer-encoding") == Some("chunked") {
            let mut rest = self.body.as_slice();
            let mut whole = Vec::new();
            while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
                let length = std::str::from_utf8(&rest[..end]).unwrap();
                let length = usize::from_str_radix(length, 16).unwrap();
                rest = &rest[end + 2..];
                if length == 0 {
                    break;
                }
                whole.extend_from_slice(&rest[..length]);
                rest = &rest[length + 2..];
            }
            self.body = whole;
        }
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body of a good answer.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that this is an RFC 9457 problem with a status and code, and returns it.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem: Value = serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {:?}", self.status, self.text()));
        assert_eq!(
            (self.status, problem["code"].as_str()),
            (status, Some(code)),
            "{problem}"
        );
        assert_eq!(problem["status"], status);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(self.header("x-request-id"), problem["request_id"].as_str());
        assert!(problem["errors"].is_array() && problem["title"].is_string());
        problem
    }
}
