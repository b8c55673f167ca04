//! Exact-bytes JSON: compaction of what was sent, and a cursor over the result.
//!
//! Nothing here changes a number's digits, a string's escapes or the order of members
//! (`format.md` §1, "Exact bytes").

mod compact;
mod cursor;
mod error;
mod nesting;
mod scanner;
mod text;
mod value;

pub use compact::{compact, compact_prefix};
pub(crate) use compact::{scan, utf8};
pub(crate) use cursor::Cursor;
pub use error::{JsonError, JsonErrorKind, MAX_DEPTH};
pub(crate) use scanner::{MemberEnds, Scanner, members_at};
pub use text::{Text, write_string};
pub use value::{Elements, Kind, Members, Value};
