//! The columns of a segment, in the order of the file.

use std::sync::{Arc, OnceLock};

use parquet::{
    basic::{Compression, Encoding, ZstdLevel},
    errors::ParquetError,
    file::properties::{
        EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr,
    },
    schema::{
        parser::parse_message_type,
        types::{ColumnPath, TypePtr},
    },
};

/// One column. Its number is its position in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "named after the record's members; see format.md"
)]
pub enum Column {
    Seq,
    RecordedAt,
    Time,
    DurationUs,
    Project,
    Job,
    Trace,
    Span,
    Parent,
    ActorType,
    Actor,
    ActorName,
    Role,
    Ip,
    Auth,
    InitiatorType,
    Initiator,
    InitiatorName,
    Source,
    Action,
    ResourceType,
    Resource,
    ResourceName,
    Result,
    Status,
    Decision,
    Approver,
    Rule,
    WaitedUs,
    Provider,
    Model,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
    CostNanousd,
    Producer,
    ProducerSeq,
    Phase,
    Call,
    Id,
    Description,
    Digest,
    Record,
    Content,
    /// Whether the record has a member `usage`, empty or not. Since version 2.
    HasUsage,
    /// Whether the record has a member `approval`, empty or not. Since version 2.
    HasApproval,
}

/// What a column holds and how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit integers: [`crate::Segment::ints`].
    Int,
    /// True or false: [`crate::Segment::ints`], as 1 and 0.
    Flag,
    /// Text: [`crate::Segment::texts`].
    Text,
    /// The idempotency digest, 16 bytes.
    Digest,
    /// Exact bytes of the event: [`crate::Segment::record`] and [`crate::Segment::content`].
    Payload,
}

#[derive(Clone, Copy)]
enum Layout {
    /// Sorted or nearly so.
    Delta,
    /// Few distinct values.
    Dictionary,
    /// Nearly every value is its own.
    Plain,
}

impl Column {
    /// All columns in the order of the file.
    pub const ALL: [Self; 48] = [
        Self::Seq,
        Self::RecordedAt,
        Self::Time,
        Self::DurationUs,
        Self::Project,
        Self::Job,
        Self::Trace,
        Self::Span,
        Self::Parent,
        Self::ActorType,
        Self::Actor,
        Self::ActorName,
        Self::Role,
        Self::Ip,
        Self::Auth,
        Self::InitiatorType,
        Self::Initiator,
        Self::InitiatorName,
        Self::Source,
        Self::Action,
        Self::ResourceType,
        Self::Resource,
        Self::ResourceName,
        Self::Result,
        Self::Status,
        Self::Decision,
        Self::Approver,
        Self::Rule,
        Self::WaitedUs,
        Self::Provider,
        Self::Model,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::CostNanousd,
        Self::Producer,
        Self::ProducerSeq,
        Self::Phase,
        Self::Call,
        Self::Id,
        Self::Description,
        Self::Digest,
        Self::Record,
        Self::Content,
        Self::HasUsage,
        Self::HasApproval,
    ];

    /// Position in the file.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The name in the Parquet schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().0
    }

    /// What the column holds.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.spec().1
    }

    /// Whether few distinct values are expected.
    pub(crate) fn has_dictionary(self) -> bool {
        matches!(self.layout(), Layout::Dictionary)
    }

    /// Whether the rows of each of its values are in the index. Values of other columns are their own, or
    /// measures.
    #[must_use]
    pub fn has_terms(self) -> bool {
        self.has_dictionary()
    }

    fn layout(self) -> Layout {
        self.spec().2
    }

    /// Whether every row has a value.
    pub(crate) fn is_required(self) -> bool {
        let is_flag = self.kind() == Kind::Flag;
        is_flag
            || matches!(
                self,
                Self::Seq | Self::RecordedAt | Self::Time | Self::Record
            )
    }

    /// Whether the file has its bounds, for all rows of a row group and for each page.
    pub(crate) fn has_bounds(self) -> bool {
        matches!(self, Self::Seq | Self::RecordedAt | Self::Time)
    }

    fn spec(self) -> (&'static str, Kind, Layout) {
        use Kind::{Digest, Flag, Int, Payload, Text};
        use Layout::{Delta, Dictionary, Plain};
        match self {
            Self::Seq => ("seq", Int, Delta),
            Self::RecordedAt => ("recorded_at", Int, Delta),
            Self::Time => ("time", Int, Delta),
            Self::DurationUs => ("duration_us", Int, Plain),
            Self::Project => ("project", Text, Dictionary),
            Self::Job => ("job", Text, Dictionary),
            Self::Trace => ("trace", Text, Plain),
            Self::Span => ("span", Text, Plain),
            Self::Parent => ("parent", Text, Plain),
            Self::ActorType => ("actor_type", Text, Dictionary),
            Self::Actor => ("actor", Text, Dictionary),
            Self::ActorName => ("actor_name", Text, Dictionary),
            Self::Role => ("role", Text, Dictionary),
            Self::Ip => ("ip", Text, Dictionary),
            Self::Auth => ("auth", Text, Dictionary),
            Self::InitiatorType => ("initiator_type", Text, Dictionary),
            Self::Initiator => ("initiator", Text, Dictionary),
            Self::InitiatorName => ("initiator_name", Text, Dictionary),
            Self::Source => ("source", Text, Dictionary),
            Self::Action => ("action", Text, Dictionary),
            Self::ResourceType => ("resource_type", Text, Dictionary),
            Self::Resource => ("resource", Text, Dictionary),
            Self::ResourceName => ("resource_name", Text, Dictionary),
            Self::Result => ("result", Text, Dictionary),
            Self::Status => ("status", Int, Dictionary),
            Self::Decision => ("decision", Text, Dictionary),
            Self::Approver => ("approver", Text, Dictionary),
            Self::Rule => ("rule", Text, Dictionary),
            Self::WaitedUs => ("waited_us", Int, Plain),
            Self::Provider => ("provider", Text, Dictionary),
            Self::Model => ("model", Text, Dictionary),
            Self::InputTokens => ("input_tokens", Int, Plain),
            Self::OutputTokens => ("output_tokens", Int, Plain),
            Self::CacheReadTokens => ("cache_read_tokens", Int, Plain),
            Self::CacheWriteTokens => ("cache_write_tokens", Int, Plain),
            Self::ReasoningTokens => ("reasoning_tokens", Int, Plain),
            Self::CostNanousd => ("cost_nanousd", Int, Plain),
            Self::Producer => ("producer", Text, Dictionary),
            Self::ProducerSeq => ("producer_seq", Int, Delta),
            Self::Phase => ("phase", Text, Dictionary),
            Self::Call => ("call", Text, Plain),
            Self::Id => ("id", Text, Plain),
            Self::Description => ("description", Text, Plain),
            Self::Digest => ("digest", Digest, Plain),
            Self::Record => ("record", Payload, Plain),
            Self::Content => ("content", Payload, Plain),
            Self::HasUsage => ("has_usage", Flag, Plain),
            Self::HasApproval => ("has_approval", Flag, Plain),
        }
    }

    fn parquet_type(self) -> &'static str {
        match (self, self.kind()) {
            (Self::RecordedAt | Self::Time, _) => "int64 {} (TIMESTAMP(MICROS,true))",
            (_, Kind::Int) => "int64 {}",
            (_, Kind::Flag) => "boolean {}",
            (_, Kind::Text | Kind::Payload) => "binary {} (STRING)",
            (_, Kind::Digest) => "fixed_len_byte_array(16) {}",
        }
    }
}

/// Versions of the column list and the encodings, and how many columns each has: a version adds columns
/// behind those before it.
pub(crate) const FORMATS: [(&str, usize); 2] = [("1", 46), (FORMAT, Column::ALL.len())];
/// The version that is written, into every file.
pub(crate) const FORMAT: &str = "2";
/// Under which name the version is in there.
pub(crate) const FORMAT_KEY: &str = "indelible.format";

/// The Parquet schema that is written.
pub(crate) fn schema() -> Result<TypePtr, ParquetError> {
    static SCHEMA: OnceLock<TypePtr> = OnceLock::new();
    if let Some(schema) = SCHEMA.get() {
        return Ok(Arc::clone(schema));
    }
    let schema = schema_of(Column::ALL.len())?;
    Ok(Arc::clone(SCHEMA.get_or_init(|| schema)))
}

/// The Parquet schema of the version with so many columns.
pub(crate) fn schema_of(columns: usize) -> Result<TypePtr, ParquetError> {
    use std::fmt::Write;
    let mut text = String::from("message event {\n");
    for column in Column::ALL.into_iter().take(columns) {
        let repetition = if column.is_required() {
            "required"
        } else {
            "optional"
        };
        let field = column.parquet_type().replace("{}", column.name());
        let _ = writeln!(text, "{repetition} {field};");
    }
    text.push('}');
    Ok(Arc::new(parse_message_type(&text)?))
}

/// Uncompressed bytes of one page of `record` or `content`: what reading a single event costs.
///
/// Measured on events of 1 kB: against 1 MiB, 128 KiB makes a segment 3 % larger, 64 KiB 6 %, 32 KiB 10 %;
/// taking a page of 128 KiB apart takes about 0.1 ms.
const PAYLOAD_PAGE_BYTES: usize = 128 << 10;

/// How segments are written.
pub(crate) fn properties(zstd_level: i32) -> Result<WriterPropertiesPtr, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("indelible ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd_level)?))
        .set_statistics_enabled(EnabledStatistics::None);
    for column in Column::ALL {
        builder = column_properties(column, builder);
    }
    Ok(Arc::new(builder.build()))
}

fn column_properties(column: Column, builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    let path = || ColumnPath::from(column.name());
    let mut builder = match column.layout() {
        Layout::Dictionary => builder.set_column_dictionary_enabled(path(), true),
        Layout::Plain => builder.set_column_dictionary_enabled(path(), false),
        Layout::Delta => builder
            .set_column_dictionary_enabled(path(), false)
            .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
    };
    if column.has_bounds() {
        builder = builder.set_column_statistics_enabled(path(), EnabledStatistics::Page);
    }
    if matches!(column.kind(), Kind::Payload | Kind::Digest) {
        builder = builder.set_column_data_page_size_limit(path(), PAYLOAD_PAGE_BYTES);
    }
    if column.kind() == Kind::Digest {
        builder = builder.set_column_compression(path(), Compression::UNCOMPRESSED);
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_schema() {
        let schema = schema().unwrap();
        assert_eq!(schema.get_fields().len(), Column::ALL.len());
        for (position, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column.index(), position);
            assert_eq!(schema.get_fields()[position].name(), column.name());
        }
    }
}
