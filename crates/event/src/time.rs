use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z; written as `YYYY-MM-DDThh:mm:ss.ffffffZ`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// A text that is not a time in the expected form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not `YYYY-MM-DDThh:mm:ss`, an optional fraction, and `Z` or `±hh:mm`.
    #[error("not an RFC 3339 time such as 2026-01-31T13:59:00.5Z")]
    Syntax,
    /// A month, day, hour, minute, second or offset that does not exist.
    #[error("the {part} does not exist")]
    NoSuch {
        /// Which part.
        part: &'static str,
    },
}

impl Micros {
    /// Length of the written form.
    pub const TEXT_BYTES: usize = 27;

    /// The written form.
    #[must_use]
    pub fn to_text(self) -> [u8; Self::TEXT_BYTES] {
        todo!()
    }

    /// Reads exactly the written form.
    ///
    /// # Errors
    ///
    /// [`TimeError`] for any other text, times before 1970 among them.
    pub fn parse(_text: &str) -> Result<Self, TimeError> {
        todo!()
    }
}

/// The instant of an RFC 3339 text, in microseconds since 1970, negative before.
///
/// Digits beyond microseconds are cut. A leap second, allowed at 23:59:60 UTC on the last day of a
/// month, is the last microsecond before the next minute. Years 0000 to 9999 (RFC 3339, 5.6).
///
/// # Errors
///
/// [`TimeError`] if the text is something else.
pub fn instant_micros(_text: &str) -> Result<i64, TimeError> {
    todo!()
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_text()))
    }
}
