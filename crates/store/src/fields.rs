//! What the typed columns say of a record, and a row group of them while it is built.

use bytes::Bytes;
use event::{ActorAuth, RecordView};
use parquet::data_type::ByteArray;

use crate::column::{Column, Kind};

/// Values of the typed columns of the rows added so far.
pub(crate) struct Fields {
    buffers: Vec<Buffer>,
}

/// Takes what [`derive()`] gives: [`Fields`] to write it, a reader to compare it.
pub(crate) trait Sink {
    fn int(&mut self, column: Column, value: Option<i64>);
    fn text(&mut self, column: Column, value: Option<&str>);
}

enum Buffer {
    Text(Texts),
    Int(Ints),
    /// Payload and digest go to the file without being collected.
    None,
}

/// A text column: values end to end, and which rows have one.
#[derive(Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    pub(crate) present: Vec<i16>,
}

/// An integer column: the values, and which rows have one.
#[derive(Default)]
pub(crate) struct Ints {
    pub(crate) values: Vec<i64>,
    pub(crate) present: Vec<i16>,
}

impl Fields {
    pub(crate) fn new() -> Self {
        let buffer = |column: Column| match column.kind() {
            Kind::Text => Buffer::Text(Texts::default()),
            Kind::Int | Kind::Flag => Buffer::Int(Ints::default()),
            Kind::Digest | Kind::Payload => Buffer::None,
        };
        Self {
            buffers: Column::ALL.into_iter().map(buffer).collect(),
        }
    }

    /// Takes an integer column out.
    pub(crate) fn take_ints(&mut self, column: Column) -> Ints {
        match self.buffers.get_mut(column.index()) {
            Some(Buffer::Int(ints)) => std::mem::take(ints),
            _ => Ints::default(),
        }
    }

    /// Takes a text column out.
    pub(crate) fn take_texts(&mut self, column: Column) -> Texts {
        match self.buffers.get_mut(column.index()) {
            Some(Buffer::Text(texts)) => std::mem::take(texts),
            _ => Texts::default(),
        }
    }
}

impl Sink for Fields {
    fn int(&mut self, column: Column, value: Option<i64>) {
        if let Some(Buffer::Int(ints)) = self.buffers.get_mut(column.index()) {
            ints.values.extend(value);
            ints.present.push(i16::from(value.is_some()));
        }
    }

    fn text(&mut self, column: Column, value: Option<&str>) {
        let Some(Buffer::Text(texts)) = self.buffers.get_mut(column.index()) else {
            return;
        };
        texts.present.push(i16::from(value.is_some()));
        if let Some(value) = value {
            texts.bytes.extend_from_slice(value.as_bytes());
            texts
                .ends
                .push(u32::try_from(texts.bytes.len()).unwrap_or(u32::MAX));
        }
    }
}

impl Texts {
    /// The value of each row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Option<&str>> {
        let (mut at, mut start) = (0, 0);
        self.present.iter().map(move |level| {
            if *level == 0 {
                return None;
            }
            let end = self.ends.get(at).map_or(start, |end| *end as usize);
            let value = self.bytes.get(start..end);
            (at, start) = (at + 1, end);
            value.and_then(|value| std::str::from_utf8(value).ok())
        })
    }

    /// The values as Parquet takes them, sharing one buffer.
    pub(crate) fn into_values(self) -> (Vec<ByteArray>, Vec<i16>) {
        let bytes = Bytes::from(self.bytes);
        let mut start = 0;
        let value = |end: u32| {
            let end = end as usize;
            let value = ByteArray::from(bytes.slice(start..end));
            start = end;
            value
        };
        (self.ends.into_iter().map(value).collect(), self.present)
    }
}

/// Gives a row's value in every typed column but the digest's, each once, in the order of the file.
///
/// Of a record that cannot be read there are only the log's own columns, with the server's time for the
/// producer's.
pub(crate) fn derive(
    seq: u64,
    recorded_at: u64,
    record: Option<&RecordView<'_>>,
    sink: &mut impl Sink,
) {
    sink.int(Column::Seq, i64::try_from(seq).ok());
    sink.int(Column::RecordedAt, i64::try_from(recorded_at).ok());
    match record {
        Some(record) => derive_record(record, sink),
        None => derive_nothing(recorded_at, sink),
    }
}

fn derive_nothing(recorded_at: u64, sink: &mut impl Sink) {
    sink.int(Column::Time, i64::try_from(recorded_at).ok());
    for column in Column::ALL.into_iter().skip(Column::Time.index() + 1) {
        match column.kind() {
            Kind::Int => sink.int(column, None),
            Kind::Flag => sink.int(column, Some(0)),
            Kind::Text => sink.text(column, None),
            Kind::Digest | Kind::Payload => {}
        }
    }
}

fn derive_record(record: &RecordView<'_>, sink: &mut impl Sink) {
    sink.int(Column::Time, Some(record.time_us));
    sink.int(Column::DurationUs, record.duration_us);
    sink.text(Column::Project, record.project.as_deref());
    sink.text(Column::Job, record.job.as_deref());
    sink.text(Column::Trace, record.trace.as_deref());
    sink.text(Column::Span, record.span.as_deref());
    sink.text(Column::Parent, record.parent.as_deref());
    sink.text(Column::ActorType, Some(&record.actor.kind));
    sink.text(Column::Actor, Some(&record.actor.id));
    sink.text(Column::ActorName, record.actor.name.as_deref());
    sink.text(Column::Role, record.actor.role.as_deref());
    sink.text(Column::Ip, record.actor.ip.as_deref());
    sink.text(Column::Auth, record.actor.auth.map(ActorAuth::as_str));
    let initiator = record.initiator.as_ref();
    sink.text(
        Column::InitiatorType,
        initiator.and_then(|it| it.kind.as_deref()),
    );
    sink.text(Column::Initiator, initiator.and_then(|it| it.id.as_deref()));
    sink.text(
        Column::InitiatorName,
        initiator.and_then(|it| it.name.as_deref()),
    );
    sink.text(Column::Source, Some(&record.source));
    sink.text(Column::Action, Some(&record.action));
    let resource = record.resource.as_ref();
    sink.text(
        Column::ResourceType,
        resource.and_then(|it| it.kind.as_deref()),
    );
    sink.text(Column::Resource, resource.and_then(|it| it.id.as_deref()));
    sink.text(
        Column::ResourceName,
        resource.and_then(|it| it.name.as_deref()),
    );
    sink.text(Column::Result, record.result.as_deref());
    sink.int(Column::Status, record.status);
    let approval = record.approval.as_ref();
    sink.text(
        Column::Decision,
        approval.and_then(|it| it.decision.as_deref()),
    );
    sink.text(
        Column::Approver,
        approval.and_then(|it| it.approver.as_deref()),
    );
    sink.text(Column::Rule, approval.and_then(|it| it.rule.as_deref()));
    sink.int(Column::WaitedUs, approval.and_then(|it| it.waited_us));
    let usage = record.usage.as_ref();
    sink.text(
        Column::Provider,
        usage.and_then(|it| it.provider.as_deref()),
    );
    sink.text(Column::Model, usage.and_then(|it| it.model.as_deref()));
    sink.int(Column::InputTokens, usage.and_then(|it| it.input_tokens));
    sink.int(Column::OutputTokens, usage.and_then(|it| it.output_tokens));
    sink.int(
        Column::CacheReadTokens,
        usage.and_then(|it| it.cache_read_tokens),
    );
    sink.int(
        Column::CacheWriteTokens,
        usage.and_then(|it| it.cache_write_tokens),
    );
    sink.int(
        Column::ReasoningTokens,
        usage.and_then(|it| it.reasoning_tokens),
    );
    sink.int(Column::CostNanousd, usage.and_then(|it| it.cost_nanousd));
    let producer = record.producer.as_ref();
    sink.text(Column::Producer, producer.and_then(|it| it.id.as_deref()));
    sink.int(Column::ProducerSeq, producer.and_then(|it| it.seq));
    sink.text(Column::Phase, producer.and_then(|it| it.phase.as_deref()));
    sink.text(Column::Call, producer.and_then(|it| it.call.as_deref()));
    sink.text(Column::Id, Some(&record.id));
    sink.text(Column::Description, record.description.as_deref());
    sink.int(Column::HasUsage, Some(usage.is_some().into()));
    sink.int(Column::HasApproval, Some(approval.is_some().into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<Column>);

    impl Sink for Seen {
        fn int(&mut self, column: Column, _: Option<i64>) {
            assert!(matches!(column.kind(), Kind::Int | Kind::Flag));
            self.0.push(column);
        }

        fn text(&mut self, column: Column, _: Option<&str>) {
            assert_eq!(column.kind(), Kind::Text);
            self.0.push(column);
        }
    }

    #[test]
    fn every_typed_column_comes_once_and_in_order() {
        let is_typed = |column: &Column| !matches!(column.kind(), Kind::Digest | Kind::Payload);
        let typed: Vec<Column> = Column::ALL.into_iter().filter(is_typed).collect();
        for record in [None, Some(&RecordView::default())] {
            let mut seen = Seen::default();
            derive(0, 0, record, &mut seen);
            assert_eq!(seen.0, typed);
        }
    }
}
