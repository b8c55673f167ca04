//! Our standard output, on which answers of ours may come between the server's lines.

use std::{
    fs::File,
    io::Write,
    sync::{Mutex, PoisonError},
};

/// What leads to the client.
#[derive(Debug)]
pub(super) struct Out(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Gone when the client reads no more, or the server has closed its side.
    file: Option<File>,
    is_mid_line: bool,
    /// Lines of ours that wait for the end of the server's.
    waiting: Vec<u8>,
}

impl Out {
    pub(super) fn new(file: File) -> Self {
        Self(Mutex::new(State {
            file: Some(file),
            is_mid_line: false,
            waiting: Vec::new(),
        }))
    }

    /// Passes bytes of the server on. `false` if nobody reads them.
    pub(super) fn pass(&self, bytes: &[u8]) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line_end = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let (lines, rest) = bytes.split_at(line_end);
        let mut is_read = state.write(lines);
        if line_end > 0 {
            state.is_mid_line = false;
            is_read &= state.flush();
        }
        state.is_mid_line |= !rest.is_empty();
        is_read && state.write(rest)
    }

    /// Writes a line of ours as soon as the server is between two of its own.
    pub(super) fn answer(&self, line: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.extend_from_slice(line);
        if !state.is_mid_line {
            // A client that reads no more needs no answer.
            let _ = state.flush();
        }
    }

    /// The server has closed its side.
    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file = None;
    }
}

impl State {
    fn write(&mut self, bytes: &[u8]) -> bool {
        let written = match &mut self.file {
            _ if bytes.is_empty() => return true,
            Some(file) => file.write_all(bytes).is_ok(),
            None => false,
        };
        if !written {
            self.file = None;
        }
        written
    }

    fn flush(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.waiting);
        self.write(&waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn lines_of_ours_come_between_lines_of_the_servers() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let out = Out::new(File::from(std::os::fd::OwnedFd::from(writer)));
        assert!(out.pass(b"one\ntw"));
        out.answer(b"ours\n");
        assert!(out.pass(b"o"));
        assert!(out.pass(b"\nthree"));
        out.answer(b"again\n");
        assert!(out.pass(b"\n"));
        out.answer(b"last\n");
        out.close();
        assert!(!out.pass(b"late\n"));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\nours\nthree\nagain\nlast\n");
    }
}
