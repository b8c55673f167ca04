//! What a key may do.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// One permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Write events.
    Ingest,
    /// Read records, counts and proofs.
    Read,
    /// Read contents.
    Content,
    /// Make exports.
    Export,
    /// Write events that state how an actor was authenticated.
    Gateway,
    /// Manage the keys of the trail.
    Admin,
    /// Manage the trails of the node.
    Node,
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(u8);

impl Scope {
    /// Every scope, in the order in which they are shown.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ingest,
        Self::Read,
        Self::Content,
        Self::Export,
        Self::Gateway,
        Self::Admin,
        Self::Node,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Content => "content",
            Self::Export => "export",
            Self::Gateway => "gateway",
            Self::Admin => "admin",
            Self::Node => "node",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Scopes {
    /// What the admin key of a trail may do: all but `gateway`, which is for programs that know how an actor
    /// was authenticated, and `node`.
    pub(crate) const TRAIL_ADMIN: Self = Self(
        Scope::Ingest.bit()
            | Scope::Read.bit()
            | Scope::Content.bit()
            | Scope::Export.bit()
            | Scope::Admin.bit(),
    );
    /// What the first key of a node may do.
    pub(crate) const NODE_ADMIN: Self = Self(Self::TRAIL_ADMIN.0 | Scope::Node.bit());

    pub(crate) const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let scopes: Self = Vec::<Scope>::deserialize(from)?.into_iter().collect();
        if scopes.is_empty() {
            return Err(D::Error::custom("a key needs at least one scope"));
        }
        Ok(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_written_in_one_order_and_read_back() {
        let scopes: Scopes = serde_json::from_str(r#"["read","ingest","read"]"#).unwrap();
        let text = serde_json::to_string(&scopes).unwrap();
        assert_eq!(text, r#"["ingest","read"]"#);
        for scope in Scope::ALL {
            assert_eq!(
                serde_json::to_string(&scope).unwrap(),
                format!("\"{scope}\"")
            );
        }
    }

    #[test]
    fn unknown_and_no_scopes_are_refused() {
        for bad in [r#"["root"]"#, "[]", r#"["Read"]"#] {
            assert!(serde_json::from_str::<Scopes>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn admin_keys_never_vouch_for_actors() {
        assert!(!Scopes::NODE_ADMIN.has(Scope::Gateway));
        assert!(!Scopes::TRAIL_ADMIN.has(Scope::Node));
    }
}
