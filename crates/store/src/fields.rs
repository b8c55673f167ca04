//! The typed columns of a row group while it is built.

use bytes::Bytes;
use event::{ActorAuth, RecordView};
use parquet::data_type::ByteArray;

use crate::column::{Column, Kind};

/// Values of the typed columns of the rows added so far.
pub(crate) struct Fields {
    buffers: Vec<Buffer>,
    rows: usize,
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
            rows: 0,
        }
    }

    /// Adds a row. Of a record that cannot be read only the bytes and the log's own columns are kept, with
    /// the server's time for the producer's.
    pub(crate) fn add(&mut self, seq: u64, recorded_at: u64, record: Option<&RecordView<'_>>) {
        self.int(Column::Seq, i64::try_from(seq).ok());
        self.int(Column::RecordedAt, i64::try_from(recorded_at).ok());
        match record {
            Some(record) => self.add_record(record),
            None => self.int(Column::Time, i64::try_from(recorded_at).ok()),
        }
        let has_usage = record.is_some_and(|record| record.usage.is_some());
        let has_approval = record.is_some_and(|record| record.approval.is_some());
        self.int(Column::HasUsage, Some(has_usage.into()));
        self.int(Column::HasApproval, Some(has_approval.into()));
        self.rows += 1;
        for buffer in &mut self.buffers {
            match buffer {
                Buffer::Text(texts) => texts.present.resize(self.rows, 0),
                Buffer::Int(ints) => ints.present.resize(self.rows, 0),
                Buffer::None => {}
            }
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

    fn int(&mut self, column: Column, value: Option<i64>) {
        if let (Some(value), Some(Buffer::Int(ints))) =
            (value, self.buffers.get_mut(column.index()))
        {
            ints.values.push(value);
            ints.present.push(1);
        }
    }

    fn text(&mut self, column: Column, value: Option<&str>) {
        if let (Some(value), Some(Buffer::Text(texts))) =
            (value, self.buffers.get_mut(column.index()))
        {
            texts.bytes.extend_from_slice(value.as_bytes());
            texts
                .ends
                .push(u32::try_from(texts.bytes.len()).unwrap_or(u32::MAX));
            texts.present.push(1);
        }
    }

    fn add_record(&mut self, record: &RecordView<'_>) {
        self.int(Column::Time, Some(record.time_us));
        self.int(Column::DurationUs, record.duration_us);
        self.text(Column::Project, record.project.as_deref());
        self.text(Column::Job, record.job.as_deref());
        self.text(Column::Trace, record.trace.as_deref());
        self.text(Column::Span, record.span.as_deref());
        self.text(Column::Parent, record.parent.as_deref());
        self.text(Column::ActorType, Some(&record.actor.kind));
        self.text(Column::Actor, Some(&record.actor.id));
        self.text(Column::ActorName, record.actor.name.as_deref());
        self.text(Column::Role, record.actor.role.as_deref());
        self.text(Column::Ip, record.actor.ip.as_deref());
        self.text(Column::Auth, record.actor.auth.map(ActorAuth::as_str));
        if let Some(initiator) = &record.initiator {
            self.text(Column::InitiatorType, initiator.kind.as_deref());
            self.text(Column::Initiator, initiator.id.as_deref());
            self.text(Column::InitiatorName, initiator.name.as_deref());
        }
        self.text(Column::Source, Some(&record.source));
        self.text(Column::Action, Some(&record.action));
        if let Some(resource) = &record.resource {
            self.text(Column::ResourceType, resource.kind.as_deref());
            self.text(Column::Resource, resource.id.as_deref());
            self.text(Column::ResourceName, resource.name.as_deref());
        }
        self.text(Column::Result, record.result.as_deref());
        self.int(Column::Status, record.status);
        if let Some(approval) = &record.approval {
            self.text(Column::Decision, approval.decision.as_deref());
            self.text(Column::Approver, approval.approver.as_deref());
            self.text(Column::Rule, approval.rule.as_deref());
            self.int(Column::WaitedUs, approval.waited_us);
        }
        if let Some(usage) = &record.usage {
            self.text(Column::Provider, usage.provider.as_deref());
            self.text(Column::Model, usage.model.as_deref());
            self.int(Column::InputTokens, usage.input_tokens);
            self.int(Column::OutputTokens, usage.output_tokens);
            self.int(Column::CacheReadTokens, usage.cache_read_tokens);
            self.int(Column::CacheWriteTokens, usage.cache_write_tokens);
            self.int(Column::ReasoningTokens, usage.reasoning_tokens);
            self.int(Column::CostNanousd, usage.cost_nanousd);
        }
        if let Some(producer) = &record.producer {
            self.text(Column::Producer, producer.id.as_deref());
            self.int(Column::ProducerSeq, producer.seq);
            self.text(Column::Phase, producer.phase.as_deref());
            self.text(Column::Call, producer.call.as_deref());
        }
        self.text(Column::Id, Some(&record.id));
        self.text(Column::Description, record.description.as_deref());
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
