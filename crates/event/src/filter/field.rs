/// A record member that a filter names, by the kind of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Compared byte for byte, wildcards allowed.
    Text(TextField),
    /// Compared by value.
    Number(NumberField),
}

/// Members that are text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is the record member of its name, `name` gives it; described in format.md §1"
)]
pub enum TextField {
    Actor,
    ActorType,
    ActorName,
    Role,
    Ip,
    Auth,
    Initiator,
    InitiatorType,
    InitiatorName,
    Source,
    Action,
    Resource,
    ResourceType,
    ResourceName,
    Result,
    Project,
    Job,
    Trace,
    Span,
    Parent,
    Model,
    Provider,
    Approver,
    Rule,
    Decision,
    Producer,
    Phase,
    Call,
    Id,
    Description,
}

/// Members that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is the record member of its name, `name` gives it; described in format.md §1"
)]
pub enum NumberField {
    Seq,
    Status,
    Duration,
    Cost,
    /// Input and output tokens together; one that is absent counts 0, without both it is absent.
    Tokens,
    InputTokens,
    OutputTokens,
    CacheReadTokens,
    CacheWriteTokens,
    ReasoningTokens,
    /// How long the approval was waited for.
    Waited,
}

/// How the numbers of a field are written in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// As they are stored.
    Plain,
    /// US dollars, stored as billionths of one.
    Dollars,
    /// With `us`, `ms`, `s`, `m` or `h`, stored in microseconds.
    Duration,
}

impl Field {
    /// The field of a name, without regard to case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TextField::from_name(name)
            .map(Self::Text)
            .or_else(|| NumberField::from_name(name).map(Self::Number))
    }

    /// The name in filters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text(field) => field.name(),
            Self::Number(field) => field.name(),
        }
    }

    /// All fields.
    pub fn all() -> impl Iterator<Item = Self> {
        let numbers = NumberField::ALL.into_iter().map(Self::Number);
        TextField::ALL.into_iter().map(Self::Text).chain(numbers)
    }
}

impl TextField {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::Actor,
        Self::ActorType,
        Self::ActorName,
        Self::Role,
        Self::Ip,
        Self::Auth,
        Self::Initiator,
        Self::InitiatorType,
        Self::InitiatorName,
        Self::Source,
        Self::Action,
        Self::Resource,
        Self::ResourceType,
        Self::ResourceName,
        Self::Result,
        Self::Project,
        Self::Job,
        Self::Trace,
        Self::Span,
        Self::Parent,
        Self::Model,
        Self::Provider,
        Self::Approver,
        Self::Rule,
        Self::Decision,
        Self::Producer,
        Self::Phase,
        Self::Call,
        Self::Id,
        Self::Description,
    ];

    /// Those that a request may give as a parameter of their own, see
    /// [`Filter::and_equal`](super::Filter::and_equal).
    pub const SHORT_FORMS: [Self; 7] = [
        Self::Actor,
        Self::Action,
        Self::Source,
        Self::Resource,
        Self::Result,
        Self::Project,
        Self::Job,
    ];

    /// The field of a name, without regard to case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// The name in filters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::ActorType => "actor.type",
            Self::ActorName => "actor.name",
            Self::Role => "role",
            Self::Ip => "ip",
            Self::Auth => "auth",
            Self::Initiator => "initiator",
            Self::InitiatorType => "initiator.type",
            Self::InitiatorName => "initiator.name",
            Self::Source => "source",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::ResourceType => "resource.type",
            Self::ResourceName => "resource.name",
            Self::Result => "result",
            Self::Project => "project",
            Self::Job => "job",
            Self::Trace => "trace",
            Self::Span => "span",
            Self::Parent => "parent",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Approver => "approver",
            Self::Rule => "rule",
            Self::Decision => "decision",
            Self::Producer => "producer",
            Self::Phase => "phase",
            Self::Call => "call",
            Self::Id => "id",
            Self::Description => "description",
        }
    }
}

impl NumberField {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Seq,
        Self::Status,
        Self::Duration,
        Self::Cost,
        Self::Tokens,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::Waited,
    ];

    /// The field of a name, without regard to case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// The name in filters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Seq => "seq",
            Self::Status => "status",
            Self::Duration => "duration",
            Self::Cost => "cost",
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::CacheReadTokens => "cache_read_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::Waited => "waited",
        }
    }

    /// How its numbers are written.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Cost => Unit::Dollars,
            Self::Duration | Self::Waited => Unit::Duration,
            _ => Unit::Plain,
        }
    }
}
