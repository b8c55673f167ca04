//! What a person may do, as one word.

use serde::{Deserialize, Serialize};

use super::{Scope, Scopes};

/// A named set of scopes. A key that has one is a person's, and signs in to the dashboard under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Sees records and figures.
    Viewer,
    /// Sees contents too, and hands them over.
    Auditor,
    /// Sees records; decides what waits for a person, as far as there is anything to decide.
    Operator,
    /// Manages keys and people of the trail.
    Admin,
}

impl Role {
    /// Every role, in the order in which they are shown.
    pub(crate) const ALL: [Self; 4] = [Self::Viewer, Self::Auditor, Self::Operator, Self::Admin];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn scopes(self) -> Scopes {
        match self {
            Self::Viewer | Self::Operator => Scopes::from_iter([Scope::Read]),
            Self::Auditor => Scopes::from_iter([Scope::Read, Scope::Content, Scope::Export]),
            Self::Admin => Scopes::TRAIL_ADMIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_and_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
            assert!(role.scopes().has(Scope::Read));
            assert!(!role.scopes().has(Scope::Node) && !role.scopes().has(Scope::Gateway));
        }
        assert_eq!(Role::from_name("root"), None);
    }

    #[test]
    fn only_auditors_and_admins_see_contents() {
        let sees = |role: Role| role.scopes().has(Scope::Content);
        assert_eq!(Role::ALL.map(sees), [false, true, false, true]);
    }
}
