//! A record with its links.

use std::io::Write as _;

use event::{RecordView, Seq};
use query::QueryError;

/// Appends the record's exact bytes with `links` spliced in as last member.
pub(super) fn write(out: &mut Vec<u8>, seq: Seq, record: &[u8]) -> Result<(), QueryError> {
    let unreadable = |source| QueryError::Record { seq, source };
    let view = RecordView::parse(record).map_err(unreadable)?;
    let open = record.strip_suffix(b"}").unwrap_or(record);
    out.extend_from_slice(open);
    let content = if view.content.is_some() {
        format!(",\"content\":\"/v1/events/{seq}/content\"")
    } else {
        String::new()
    };
    // Writing into a vector cannot fail.
    let _ = write!(
        out,
        ",\"links\":{{\"self\":\"/v1/events/{seq}\",\"record\":\"/v1/events/{seq}/record\"{content},\"proof\":\"/v1/events/{seq}/proof\"}}}}"
    );
    Ok(())
}
