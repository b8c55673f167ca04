//! Comma-separated values for spreadsheets.

use std::{borrow::Cow, io::Write};

use event::{RecordView, json::Value};

use super::{Sheet, SheetError};

const HEAD: [&str; 42] = [
    "seq",
    "recorded_at",
    "time",
    "duration_us",
    "project",
    "job",
    "trace",
    "span",
    "parent",
    "actor_type",
    "actor",
    "actor_name",
    "role",
    "ip",
    "auth",
    "initiator_type",
    "initiator",
    "initiator_name",
    "source",
    "action",
    "resource_type",
    "resource",
    "resource_name",
    "result",
    "status",
    "decision",
    "approver",
    "rule",
    "reason",
    "provider",
    "model",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_nanousd",
    "phase",
    "call",
    "id",
    "description",
    "meta",
];

/// One line a record; the content's JSON text is the last column. A text that would be a formula gets an apostrophe.
pub struct Csv<W: Write> {
    writer: csv::Writer<W>,
    has_content: bool,
}

impl<W: Write> Csv<W> {
    /// A table with its head. `has_content`: whether there is a column for contents.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn new(out: W, has_content: bool) -> Result<Self, SheetError> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(HEAD.iter().chain(has_content.then_some(&"content")))?;
        Ok(Self {
            writer,
            has_content,
        })
    }
}

impl<W: Write> Csv<W> {
    /// The file.
    pub fn get_ref(&self) -> &W {
        self.writer.get_ref()
    }

    /// Writes what is left and gives the file back.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn into_inner(self) -> Result<W, SheetError> {
        let inner = self.writer.into_inner();
        Ok(inner.map_err(csv::IntoInnerError::into_error)?)
    }
}

impl<W: Write> Sheet for Csv<W> {
    fn put(&mut self, record: &str, content: Option<&str>) -> Result<(), SheetError> {
        let view = RecordView::parse(record.as_bytes());
        let mut cells = match &view {
            Ok(view) => cells(view),
            Err(_) => erased(record),
        };
        if self.has_content {
            cells.push(harmless(content.unwrap_or_default()));
        }
        let cells = cells.iter().map(|cell| cell.as_bytes());
        Ok(self.writer.write_record(cells)?)
    }

    fn finish(&mut self) -> Result<(), SheetError> {
        Ok(self.writer.flush()?)
    }
}

/// An erased event has a number and nothing else.
fn erased(row: &str) -> Vec<Cow<'static, str>> {
    let seq = Value::new(row)
        .members()
        .find(|(name, _)| name.raw() == "seq");
    let mut cells = vec![Cow::Borrowed(""); HEAD.len()];
    if let (Some(first), Some((_, seq))) = (cells.first_mut(), seq) {
        *first = Cow::Owned(seq.as_str().to_owned());
    }
    if let Some(last) = cells.last_mut() {
        *last = Cow::Borrowed("erased");
    }
    cells
}

fn cells<'a>(view: &'a RecordView<'_>) -> Vec<Cow<'a, str>> {
    let text = |value: Option<&'a str>| harmless(value.unwrap_or_default());
    let number =
        |value: Option<i64>| value.map_or(Cow::Borrowed(""), |value| value.to_string().into());
    let initiator = view.initiator.as_ref();
    let resource = view.resource.as_ref();
    let approval = view.approval.as_ref();
    let usage = view.usage.as_ref();
    let producer = view.producer.as_ref();
    vec![
        view.seq.to_string().into(),
        view.recorded_at.to_string().into(),
        text(Some(&view.time)),
        number(view.duration_us),
        text(view.project.as_deref()),
        text(view.job.as_deref()),
        text(view.trace.as_deref()),
        text(view.span.as_deref()),
        text(view.parent.as_deref()),
        text(Some(&view.actor.kind)),
        text(Some(&view.actor.id)),
        text(view.actor.name.as_deref()),
        text(view.actor.role.as_deref()),
        text(view.actor.ip.as_deref()),
        text(view.actor.auth.map(event::ActorAuth::as_str)),
        text(initiator.and_then(|who| who.kind.as_deref())),
        text(initiator.and_then(|who| who.id.as_deref())),
        text(initiator.and_then(|who| who.name.as_deref())),
        text(Some(&view.source)),
        text(Some(&view.action)),
        text(resource.and_then(|what| what.kind.as_deref())),
        text(resource.and_then(|what| what.id.as_deref())),
        text(resource.and_then(|what| what.name.as_deref())),
        text(view.result.as_deref()),
        number(view.status),
        text(approval.and_then(|approval| approval.decision.as_deref())),
        text(approval.and_then(|approval| approval.approver.as_deref())),
        text(approval.and_then(|approval| approval.rule.as_deref())),
        text(approval.and_then(|approval| approval.reason.as_deref())),
        text(usage.and_then(|usage| usage.provider.as_deref())),
        text(usage.and_then(|usage| usage.model.as_deref())),
        number(usage.and_then(|usage| usage.input_tokens)),
        number(usage.and_then(|usage| usage.output_tokens)),
        number(usage.and_then(|usage| usage.cache_read_tokens)),
        number(usage.and_then(|usage| usage.cache_write_tokens)),
        number(usage.and_then(|usage| usage.reasoning_tokens)),
        number(usage.and_then(|usage| usage.cost_nanousd)),
        text(producer.and_then(|producer| producer.phase.as_deref())),
        text(producer.and_then(|producer| producer.call.as_deref())),
        text(Some(&view.id)),
        text(view.description.as_deref()),
        text(view.meta.as_ref().map(|meta| meta.as_str())),
    ]
}

/// A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV Injection).
fn harmless(text: &str) -> Cow<'_, str> {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(record: &str, content: Option<&str>) -> Vec<String> {
        let mut out = Vec::new();
        let mut csv = Csv::new(&mut out, true).unwrap();
        csv.put(record, content).unwrap();
        csv.finish().unwrap();
        drop(csv);
        let mut reader = csv::Reader::from_reader(out.as_slice());
        assert_eq!(reader.headers().unwrap().len(), HEAD.len() + 1);
        let line = reader.records().next().unwrap().unwrap();
        line.iter().map(str::to_owned).collect()
    }

    #[test]
    fn every_cell_has_its_column_and_no_formula_survives() {
        let record = "{\"v\":1,\"id\":\"x\",\"seq\":7,\"recorded_at\":\"2026-01-02T03:04:05.000006Z\",\
            \"time\":\"2026-01-02T03:04:05Z\",\"actor\":{\"type\":\"agent\",\"id\":\"=cmd()\"},\"source\":\"app\",\
            \"action\":\"a,\\\"b\\\"\",\"status\":-1,\"meta\":{\"k\":1}}";
        let line = sheet(record, Some("{\"input\":1}"));
        let cell = |name: &str| &line[HEAD.iter().position(|head| *head == name).unwrap()];
        assert_eq!(
            (cell("seq"), cell("actor")),
            (&"7".to_owned(), &"'=cmd()".to_owned())
        );
        assert_eq!(
            (cell("action"), cell("status")),
            (&"a,\"b\"".to_owned(), &"-1".to_owned())
        );
        assert_eq!(
            (cell("meta"), line.last().unwrap()),
            (&"{\"k\":1}".to_owned(), &"{\"input\":1}".to_owned())
        );
        assert_eq!(line.len(), HEAD.len() + 1);
    }

    #[test]
    fn an_erased_event_keeps_its_line() {
        let line = sheet(r#"{"v":1,"seq":9,"erased":true}"#, None);
        assert_eq!(
            (line[0].as_str(), line[HEAD.len() - 1].as_str()),
            ("9", "erased")
        );
    }
}
