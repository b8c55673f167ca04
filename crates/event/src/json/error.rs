/// Most arrays and objects that may be open at once.
pub const MAX_DEPTH: usize = 128;

/// Why bytes are not acceptable JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct JsonError {
    /// Offset in the input.
    pub offset: usize,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// Not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// The text ends inside a value.
    #[error("unexpected end")]
    End,
    /// A character that cannot stand there.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A control character inside a string.
    #[error("control character in a string")]
    Control,
    /// An escape that JSON does not have.
    #[error("invalid escape")]
    Escape,
    /// More than [`MAX_DEPTH`] open arrays and objects.
    #[error("more than {MAX_DEPTH} open arrays and objects")]
    Depth,
}
