//! Files for other tools: a record a line.

mod csv;

use std::io::Write;

pub use csv::Csv;

/// Why a line could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The writer of the format refused.
    #[error(transparent)]
    Csv(#[from] ::csv::Error),
}

/// Where records go, one at a time.
pub trait Sheet {
    /// Writes a record, or the row of an erased one, with its content.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn put(&mut self, record: &str, content: Option<&str>) -> Result<(), SheetError>;

    /// Writes what is left.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn finish(&mut self) -> Result<(), SheetError>;
}

/// JSON Lines: a line is the exact record, with its content as the last member `contents`.
#[derive(Debug)]
pub struct Lines<W>(W);

impl<W: Write> Lines<W> {
    /// Lines into a file.
    pub fn new(out: W) -> Self {
        Self(out)
    }
}

impl<W: Write> Sheet for Lines<W> {
    fn put(&mut self, record: &str, content: Option<&str>) -> Result<(), SheetError> {
        match (content, record.strip_suffix('}')) {
            (Some(content), Some(open)) => writeln!(self.0, "{open},\"contents\":{content}}}")?,
            _ => writeln!(self.0, "{record}")?,
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SheetError> {
        Ok(self.0.flush()?)
    }
}
