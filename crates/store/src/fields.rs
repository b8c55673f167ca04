//! What the typed columns say of a record, and those of rows while they are collected.

mod texts;

use std::sync::Arc;

use event::{ActorAuth, RecordView};

use crate::{
    column::{Column, Kind},
    columns::Values,
    segment::Ints,
};
use texts::Collected;

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
    Text(Collected),
    /// The values, and which rows have one.
    Int(Vec<i64>, Vec<bool>),
    None,
}

impl Fields {
    pub(crate) fn new() -> Self {
        let buffer = |column: Column| match column.kind() {
            Kind::Text => Buffer::Text(Collected::new(column.has_dictionary())),
            Kind::Int | Kind::Flag => Buffer::Int(Vec::new(), Vec::new()),
            Kind::Digest | Kind::Payload => Buffer::None,
        };
        Self {
            buffers: Column::ALL.into_iter().map(buffer).collect(),
        }
    }

    /// The columns in the order of the file.
    pub(crate) fn finish(self) -> Vec<Values> {
        let buffers = Column::ALL.into_iter().zip(self.buffers);
        let values = buffers.map(|(column, buffer)| match buffer {
            Buffer::Text(texts) => Values::Texts(Arc::new(texts.finish())),
            Buffer::Int(values, present) => {
                Values::Ints(Arc::new(Ints::new(column, values, present)))
            }
            Buffer::None => Values::None,
        });
        values.collect()
    }
}

impl Sink for Fields {
    fn int(&mut self, column: Column, value: Option<i64>) {
        if let Some(Buffer::Int(values, present)) = self.buffers.get_mut(column.index()) {
            values.extend(value);
            present.push(value.is_some());
        }
    }

    fn text(&mut self, column: Column, value: Option<&str>) {
        if let Some(Buffer::Text(texts)) = self.buffers.get_mut(column.index()) {
            texts.push(value);
        }
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
