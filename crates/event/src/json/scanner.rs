use super::nesting::Nesting;
use super::text::plain_prefix;
use super::{JsonError, JsonErrorKind, Text, Value};

/// Checks JSON and copies it without insignificant white space, in one pass and without recursion.
///
/// What is kept is copied in runs: input that is compact already is one copy.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    input: &'a str,
    bytes: &'a [u8],
    pos: usize,
    /// Start of the run that is not copied yet.
    run: usize,
    /// Length of the output before the value.
    base: usize,
    members: Vec<MemberEnds>,
}

/// Where the name and the value of an object's member end, in the compact text of the object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemberEnds {
    name: usize,
    value: usize,
}

/// The members of an object whose ends the scanner has found: what [`Value::members`] gives,
/// without searching once more.
pub(crate) fn members_at<'a>(
    object: &'a str,
    ends: &[MemberEnds],
) -> impl Iterator<Item = (Text<'a>, Value<'a>)> {
    let mut start = 1;
    ends.iter().filter_map(move |ends| {
        let name = object.get(start + 1..ends.name - 1)?;
        let value = object.get(ends.name + 1..ends.value)?;
        start = ends.value + 1;
        Some((Text(name), Value::new(value)))
    })
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            bytes: input.as_bytes(),
            pos: 0,
            run: 0,
            base: 0,
            members: Vec::new(),
        }
    }

    /// The members of the last value, if it is an object.
    pub(crate) fn members(&self) -> &[MemberEnds] {
        &self.members
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// Leaves out the byte at the cursor, which must be ASCII and not be part of a value.
    pub(crate) fn drop_byte(&mut self) {
        self.pos += 1;
        self.run = self.pos;
    }

    /// Leaves out white space.
    #[inline]
    pub(crate) fn white_space(&mut self, out: &mut String) {
        if self.peek().is_none_or(|byte| byte > b' ') {
            return;
        }
        self.copy_run(out);
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
        self.run = self.pos;
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(JsonErrorKind::Expected("the end after the value"))),
        }
    }

    pub(crate) fn error(&self, kind: JsonErrorKind) -> JsonError {
        let kind = if self.pos >= self.bytes.len() {
            JsonErrorKind::End
        } else {
            kind
        };
        JsonError {
            offset: self.pos,
            kind,
        }
    }

    /// Copies one value, which must begin at the cursor, and answers how deep it nests.
    pub(crate) fn value(&mut self, out: &mut String, max_depth: usize) -> Result<usize, JsonError> {
        let mut nesting = Nesting::default();
        let mut deepest = 0;
        self.base = out.len();
        self.members.clear();
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if nesting.depth() == max_depth {
                        return Err(JsonError {
                            offset: self.pos,
                            kind: JsonErrorKind::Depth,
                        });
                    }
                    let object = open == b'{';
                    nesting.open(object);
                    deepest = deepest.max(nesting.depth());
                    self.pos += 1;
                    self.white_space(out);
                    let close = if object { b'}' } else { b']' };
                    if self.peek() == Some(close) {
                        self.pos += 1;
                        nesting.close();
                    } else {
                        if object {
                            self.name(out, nesting.depth())?;
                        }
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                _ => return Err(self.error(JsonErrorKind::Expected("a value"))),
            }
            if !self.after_value(out, &mut nesting)? {
                self.copy_run(out);
                return Ok(deepest);
            }
        }
    }

    /// Goes on behind a complete value to the next one; false if the outermost is complete.
    #[inline]
    fn after_value(&mut self, out: &mut String, nesting: &mut Nesting) -> Result<bool, JsonError> {
        while nesting.depth() > 0 {
            if nesting.depth() == 1 {
                let end = self.written(out);
                if let Some(member) = self.members.last_mut() {
                    member.value = end;
                }
            }
            self.white_space(out);
            let object = nesting.in_object();
            match (self.peek(), object) {
                (Some(b','), _) => {
                    self.pos += 1;
                    self.white_space(out);
                    if object {
                        self.name(out, nesting.depth())?;
                    }
                    return Ok(true);
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    self.pos += 1;
                    nesting.close();
                }
                (_, true) => return Err(self.error(JsonErrorKind::Expected("',' or '}'"))),
                (_, false) => return Err(self.error(JsonErrorKind::Expected("',' or ']'"))),
            }
        }
        Ok(false)
    }

    /// A member's name, the colon, and the white space around it.
    #[inline]
    fn name(&mut self, out: &mut String, depth: usize) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.error(JsonErrorKind::Expected("a member name")));
        }
        self.string()?;
        if depth == 1 {
            let name = self.written(out);
            self.members.push(MemberEnds { name, value: name });
        }
        self.white_space(out);
        if self.peek() != Some(b':') {
            return Err(self.error(JsonErrorKind::Expected("':'")));
        }
        self.pos += 1;
        self.white_space(out);
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Result<(), JsonError> {
        self.pos += 1;
        loop {
            self.pos += plain_prefix(self.bytes.get(self.pos..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.error(JsonErrorKind::Control)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.pos += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pos += 1,
            Some(b'u') => {
                self.pos += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.error(JsonErrorKind::Escape));
                    }
                    self.pos += 1;
                }
            }
            _ => return Err(self.error(JsonErrorKind::Escape)),
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.pos;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.pos += 1;
        }
        if self.pos == start {
            return Err(self.error(JsonErrorKind::Expected("a digit")));
        }
        Ok(())
    }

    fn literal(&mut self, literal: &'static str) -> Result<(), JsonError> {
        for expected in literal.bytes() {
            if self.peek() != Some(expected) {
                return Err(self.error(JsonErrorKind::Expected(literal)));
            }
            self.pos += 1;
        }
        Ok(())
    }

    /// Length of the value's output, with the run that is not copied yet.
    fn written(&self, out: &str) -> usize {
        out.len() + (self.pos - self.run) - self.base
    }

    fn copy_run(&mut self, out: &mut String) {
        out.push_str(self.input.get(self.run..self.pos).unwrap_or_default());
        self.run = self.pos;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_members_that_the_cursor_finds() {
        for input in [
            "{}",
            "[]",
            "7",
            "[{\"a\":1}]",
            "{\"a\":1}",
            " { \"a\" : 1 , \"b\\\"\" : [ { \"c\" : 2 } , [ ] ] , \"\" : { \"d\" : { } } } ",
            "{ \"é\" :\"x y\"\n,\"z\": null }",
        ] {
            // What stands before the value in the output and the input must not count.
            let mut out = "before".to_owned();
            let mut scanner = Scanner::new(input);
            scanner.white_space(&mut out);
            scanner.value(&mut out, usize::MAX).unwrap();
            let value = out.strip_prefix("before").unwrap();
            let found: Vec<_> = members_at(value, scanner.members()).collect();
            let expected: Vec<_> = Value::new(value).members().collect();
            assert_eq!(found, expected, "{input}");
        }
    }
}
