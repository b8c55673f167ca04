use crate::{DedupKey, Limits, Prepared, Reject, Submitter};

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
pub struct Batch {}

/// One event of a batch: a valid, compact JSON value.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a>(&'a str);

impl Batch {
    /// Takes a body apart.
    ///
    /// # Errors
    ///
    /// [`Reject`] of the whole request, if a body of [`BatchFormat::Json`] is not valid JSON (a bad
    /// line of NDJSON is a reject of that event alone), or if there are more than `max_events`.
    pub fn read(_body: &[u8], _format: BatchFormat, _max_events: usize) -> Result<Self, Reject> {
        todo!()
    }

    /// Number of events, refused ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether the request holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The events in the order of the request; one that is not JSON or too deep is its reject.
    pub fn events(&self) -> impl Iterator<Item = Result<Event<'_>, Reject>> {
        std::iter::empty()
    }
}

impl<'a> Event<'a> {
    /// The compact text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// As [`prepare`](crate::prepare), without a second look at the syntax.
    ///
    /// # Errors
    ///
    /// [`Reject`] with one of the codes in [`code`](crate::code).
    pub fn prepare(
        self,
        _by: &Submitter<'_>,
        _dedup: &DedupKey,
        _limits: &Limits,
    ) -> Result<Prepared, Reject> {
        todo!()
    }
}
