//! Elements of one JSON array, as Gemini streams them without `alt=sse`.

use super::MAX_EVENT_BYTES;

/// Takes an array apart.
#[derive(Debug, Default)]
pub(crate) struct ArrayElements {
    element: Vec<u8>,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    is_too_long: bool,
}

impl ArrayElements {
    /// Takes the next bytes; calls `each` with every object of the array that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for &byte in bytes {
            let was_inside = self.depth > 1;
            self.step(byte);
            let is_inside = self.depth > 1;
            if was_inside || is_inside {
                self.add(byte);
            }
            if was_inside && !is_inside {
                if !self.is_too_long {
                    each(&self.element);
                }
                self.element.clear();
                self.is_too_long = false;
            }
        }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn add(&mut self, byte: u8) {
        if self.element.len() >= MAX_EVENT_BYTES {
            self.is_too_long = true;
            self.element.clear();
        }
        if !self.is_too_long {
            self.element.push(byte);
        }
    }
}
