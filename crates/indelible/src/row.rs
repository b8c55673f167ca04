//! Records as the API lists them.

use anyhow::{Context, Result};
use event::json::Value;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A page of `GET /v1/events`.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) data: Vec<Box<RawValue>>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) snapshot: Snapshot,
}

/// The log that a page shows.
#[derive(Debug, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) tree_size: u64,
}

impl Page {
    pub(crate) fn parse(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body)
            .context("the server's list is not what this version understands")
    }
}

/// The exact bytes of the record in a row: without `links`, which the API puts last.
pub(crate) fn record(row: &str) -> String {
    let is_last = |(name, _): (event::json::Text<'_>, Value<'_>)| name.raw() == "links";
    if Value::new(row).members().last().is_some_and(is_last)
        && let Some((record, _)) = row.rsplit_once(",\"links\":")
    {
        return format!("{record}}}");
    }
    row.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_links_of_the_list_are_cut() {
        let record_text = r#"{"v":1,"meta":{"a":1,"links":{"x":1}}}"#;
        assert_eq!(record(record_text), record_text);
        let row = r#"{"v":1,"meta":{"a":1,"links":{"x":1}},"links":{"self":"/v1/events/1"}}"#;
        assert_eq!(record(row), record_text);
        let erased = r#"{"v":1,"seq":3,"erased":true}"#;
        assert_eq!(record(erased), erased);
    }
}
