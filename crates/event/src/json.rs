//! Exact-bytes JSON: compaction of what was sent, and a cursor over the result.
//!
//! Nothing here changes a number's digits, a string's escapes or the order of members
//! (`format.md` §1, "Exact bytes").

mod compact;
mod value;

pub use compact::{JsonError, JsonErrorKind, MAX_DEPTH, compact};
pub use value::{Elements, Kind, Members, Text, Value};
