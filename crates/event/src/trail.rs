use std::fmt;
use std::str::FromStr;

/// Name of a trail: 1 to 64 of `[a-z0-9._-]`, beginning with a letter or digit.
///
/// The name is a directory and a part of the log's origin, so it can be neither a path nor hold
/// what a signed note forbids in a name (white space, `+`, `/`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrailId(String);

/// A text that is not the name of a trail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trail's name is 1 to {max} of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit", max = TrailId::MAX_BYTES)]
pub struct TrailIdError;

impl TrailId {
    /// Longest name, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Checks the name.
    ///
    /// # Errors
    ///
    /// [`TrailIdError`] if it is empty, too long, or holds another character.
    pub fn new(name: impl Into<String>) -> Result<Self, TrailIdError> {
        let name = name.into();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let first_is_plain = name.bytes().next().is_some_and(plain);
        let all_allowed = name
            .bytes()
            .all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'));
        if first_is_plain && all_allowed && name.len() <= Self::MAX_BYTES {
            Ok(Self(name))
        } else {
            Err(TrailIdError)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TrailId {
    type Err = TrailIdError;

    fn from_str(name: &str) -> Result<Self, TrailIdError> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "a".repeat(TrailId::MAX_BYTES);
        for good in ["default", "a", "0", "acme.eu-west_1", longest.as_str()] {
            assert_eq!(TrailId::new(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(TrailId::MAX_BYTES + 1);
        for bad in [
            "",
            ".",
            "..",
            "-a",
            "_a",
            "A",
            "a/b",
            "a b",
            "a+b",
            "é",
            "a\n",
            too_long.as_str(),
        ] {
            assert_eq!(TrailId::new(bad), Err(TrailIdError), "{bad:?}");
        }
    }
}
