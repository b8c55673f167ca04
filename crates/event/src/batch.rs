use std::ops::Range;

use crate::json::{JsonError, JsonErrorKind, MAX_DEPTH, MemberEnds, Scanner, scan, utf8};
use crate::prepare::prepare_compact;
use crate::{DedupKey, Limits, Prepared, Reject, Submitter, code};

/// How the body of a write request holds its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchFormat {
    /// `application/json`: one object, or an array of objects.
    Json,
    /// `application/x-ndjson`: one object a line; empty lines are skipped.
    Ndjson,
}

/// The events of one request, white space removed.
#[derive(Clone, Debug)]
pub struct Batch {
    /// All events, one after the other.
    text: String,
    /// The members of all events, one event after the other.
    members: Vec<MemberEnds>,
    events: Vec<Result<Span, Reject>>,
    max_events: usize,
}

/// One event of a batch: a valid, compact JSON value.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    text: &'a str,
    members: &'a [MemberEnds],
}

/// Where an event is in its batch.
#[derive(Clone, Debug)]
struct Span {
    text: Range<usize>,
    members: Range<usize>,
}

impl Batch {
    /// Takes a body apart.
    ///
    /// # Errors
    ///
    /// [`Reject`] of the whole request, if a body of [`BatchFormat::Json`] is not an object or array
    /// of valid JSON (a bad line of NDJSON is a reject of that event alone), or if there are more
    /// than `max_events`.
    pub fn read(body: &[u8], format: BatchFormat, max_events: usize) -> Result<Self, Reject> {
        let text = String::with_capacity(body.len());
        let mut batch = Self {
            text,
            members: Vec::new(),
            events: Vec::new(),
            max_events,
        };
        match format {
            BatchFormat::Json => batch.read_json(body)?,
            BatchFormat::Ndjson => batch.read_lines(body)?,
        }
        Ok(batch)
    }

    /// Number of events, refused ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether the request holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events in the order of the request; one that is not JSON or too deep is its reject.
    #[must_use]
    pub fn events(&self) -> impl ExactSizeIterator<Item = Result<Event<'_>, Reject>> {
        self.events.iter().map(|event| match event {
            Ok(span) => Ok(Event {
                text: self.text.get(span.text.clone()).unwrap_or_default(),
                members: self.members.get(span.members.clone()).unwrap_or_default(),
            }),
            Err(reject) => Err(reject.clone()),
        })
    }

    fn read_json(&mut self, body: &[u8]) -> Result<(), Reject> {
        let mut scanner = Scanner::new(utf8(body)?);
        scanner.white_space(&mut self.text);
        match scanner.peek() {
            Some(b'[') => self.read_array(&mut scanner)?,
            Some(b'{') => self.read_value(&mut scanner)?,
            None => return Err(scanner.error(JsonErrorKind::End).into()),
            Some(_) => {
                // Say first what is wrong with the syntax, if something is.
                scanner.value(&mut self.text, MAX_DEPTH)?;
                let detail = "the body is one JSON object, or an array of them".to_owned();
                return Err(Reject::of_event(code::NOT_AN_OBJECT, detail));
            }
        }
        scanner.white_space(&mut self.text);
        Ok(scanner.end()?)
    }

    fn read_array(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Reject> {
        scanner.drop_byte();
        scanner.white_space(&mut self.text);
        if scanner.peek() == Some(b']') {
            scanner.drop_byte();
            return Ok(());
        }
        loop {
            self.read_value(scanner)?;
            scanner.white_space(&mut self.text);
            match scanner.peek() {
                Some(b',') => scanner.drop_byte(),
                Some(b']') => {
                    scanner.drop_byte();
                    return Ok(());
                }
                _ => return Err(scanner.error(JsonErrorKind::Expected("',' or ']'")).into()),
            }
            scanner.white_space(&mut self.text);
        }
    }

    /// One event at the cursor. Depth counts inside the event, and one that is too deep does not
    /// spoil the others.
    fn read_value(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Reject> {
        let start = self.text.len();
        let offset = scanner.pos();
        let depth = scanner.value(&mut self.text, usize::MAX)?;
        if depth <= MAX_DEPTH {
            let span = self.span(start, scanner.members());
            return self.push(Ok(span));
        }
        self.text.truncate(start);
        let error = JsonError {
            offset,
            kind: JsonErrorKind::Depth,
        };
        self.push(Err(error.into()))
    }

    fn read_lines(&mut self, body: &[u8]) -> Result<(), Reject> {
        for line in body.split(|byte| *byte == b'\n') {
            if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                continue;
            }
            let start = self.text.len();
            let event = match scan(line, &mut self.text) {
                Ok(scanner) => Ok(self.span(start, scanner.members())),
                Err(error) => {
                    self.text.truncate(start);
                    Err(error.into())
                }
            };
            self.push(event)?;
        }
        Ok(())
    }

    /// The event whose text begins at `start` and is the last one.
    fn span(&mut self, start: usize, members: &[MemberEnds]) -> Span {
        let first_member = self.members.len();
        self.members.extend_from_slice(members);
        Span {
            text: start..self.text.len(),
            members: first_member..self.members.len(),
        }
    }

    fn push(&mut self, event: Result<Span, Reject>) -> Result<(), Reject> {
        if self.events.len() == self.max_events {
            let detail = format!("a request holds at most {} events", self.max_events);
            return Err(Reject::of_event(code::TOO_MANY_EVENTS, detail));
        }
        self.events.push(event);
        Ok(())
    }
}

impl<'a> Event<'a> {
    /// The compact text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// As [`prepare`](crate::prepare()), without a second look at the syntax.
    ///
    /// # Errors
    ///
    /// [`Reject`] with one of the codes in [`code`](mod@crate::code).
    pub fn prepare(
        self,
        by: &Submitter<'_>,
        dedup: &DedupKey,
        limits: &Limits,
    ) -> Result<Prepared, Reject> {
        prepare_compact(self.text, self.members, by, dedup, limits)
    }
}
