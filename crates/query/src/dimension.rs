use std::sync::Arc;

use event::filter::{Field, NumberField, TextField};

/// A record member by whose values events are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// A text member.
    Text(TextField),
    /// `status`.
    Status,
}

/// A value of a dimension. Text is ordered by its UTF-8 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Of a text member.
    Text(Arc<str>),
    /// Of `status`.
    Number(i64),
}

impl Dimension {
    /// Most dimensions of one question.
    pub const MOST: usize = 3;

    /// Those that a breakdown may ask for, by the names that it has for them.
    pub const BY: [(&'static str, Self); 15] = [
        ("source", Self::Text(TextField::Source)),
        ("actor_type", Self::Text(TextField::ActorType)),
        ("actor", Self::Text(TextField::Actor)),
        ("action", Self::Text(TextField::Action)),
        ("resource_type", Self::Text(TextField::ResourceType)),
        ("resource", Self::Text(TextField::Resource)),
        ("result", Self::Text(TextField::Result)),
        ("project", Self::Text(TextField::Project)),
        ("job", Self::Text(TextField::Job)),
        ("provider", Self::Text(TextField::Provider)),
        ("model", Self::Text(TextField::Model)),
        ("initiator", Self::Text(TextField::Initiator)),
        ("approver", Self::Text(TextField::Approver)),
        ("rule", Self::Text(TextField::Rule)),
        ("status", Self::Status),
    ];

    /// The dimension of a name in [`Self::BY`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut by = Self::BY.into_iter();
        by.find(|(known, _)| *known == name).map(|(_, by)| by)
    }

    /// The dimension of a field of filters; none of numbers other than `status`.
    #[must_use]
    pub fn from_field(field: Field) -> Option<Self> {
        match field {
            Field::Text(field) => Some(Self::Text(field)),
            Field::Number(NumberField::Status) => Some(Self::Status),
            Field::Number(_) => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}
