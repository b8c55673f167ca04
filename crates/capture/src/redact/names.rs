//! Names of JSON members whose values are secrets whatever they look like.

use super::{
    marks::{self, Names},
    rule::entropy,
};

/// Longest name that is looked at, bytes.
pub(super) const MAX_NAME_BYTES: usize = 64;

/// Endings of such names, lower case, without `_` and `-`.
const ENDINGS: [&str; 38] = [
    "accesskey",
    "accesstoken",
    "accountkey",
    "apikey",
    "apitoken",
    "authkey",
    "authorization",
    "authtoken",
    "bearertoken",
    "bottoken",
    "clientsecret",
    "cookie",
    "dbpass",
    "deploytoken",
    "encryptionkey",
    "githubtoken",
    "gitlabtoken",
    "hmackey",
    "idtoken",
    "masterkey",
    "npmtoken",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "privatetoken",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "secretkeybase",
    "secrettoken",
    "securitytoken",
    "sessiontoken",
    "signingkey",
    "slacktoken",
    "subscriptionkey",
    "userpass",
];

/// Endings of names whose values are secrets if they look like some.
const LIKELY: [Likely; 7] = [
    Likely::new("token", 16),
    Likely::new("pass", 4),
    Likely::new("credential", 8),
    Likely::new("credentials", 8),
    Likely::new("jwt", 16),
    Likely::new("auth", 16),
    Likely::new("sessionid", 16),
];

/// Tokens that say where to go on.
const NO_SECRETS: [&str; 7] = [
    "pagetoken",
    "nexttoken",
    "previoustoken",
    "continuationtoken",
    "progresstoken",
    "synctoken",
    "bypass",
];

/// A shorter value has too few characters for its entropy to say much.
const SHORT_BYTES: usize = 12;
/// Most bits of entropy for each character that a value of words has.
const WORDS_ENTROPY: f64 = 3.0;

/// Values that stand for none, or for a type.
const PLACEHOLDERS: [&str; 8] = [
    "",
    "string",
    "null",
    "none",
    "undefined",
    "required",
    "password",
    "secret",
];

/// How sure a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// It says nothing.
    Plain,
    /// A text of at least so many bytes may be a secret: see [`looks_secret`].
    Likely(usize),
    /// Whatever stands there is one.
    Secret,
}

#[derive(Clone, Copy, Debug)]
struct Likely {
    ending: &'static str,
    /// Shortest value that is one.
    min_bytes: usize,
}

impl Likely {
    const fn new(ending: &'static str, min_bytes: usize) -> Self {
        Self { ending, min_bytes }
    }
}

/// Whether the value of a member of this name is a secret.
pub(crate) fn is_secret(name: &[u8]) -> bool {
    told(name) == Named::Secret
}

/// What a name tells of its value.
pub(super) fn told(name: &[u8]) -> Named {
    if name.len() > MAX_NAME_BYTES {
        return Named::Plain;
    }
    let mut plain = [0; MAX_NAME_BYTES];
    let mut length = 0;
    let letters = name
        .iter()
        .filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' '));
    for (to, from) in plain.iter_mut().zip(letters) {
        *to = from.to_ascii_lowercase();
        length += 1;
    }
    let plain = plain.get(..length).unwrap_or_default();
    let ends = |ending: &str| plain.ends_with(ending.as_bytes());
    if ENDINGS.iter().any(|ending| ends(ending)) {
        return Named::Secret;
    }
    let likely = LIKELY.iter().find(|likely| ends(likely.ending));
    match likely {
        Some(likely) if !NO_SECRETS.iter().any(|ending| ends(ending)) => {
            Named::Likely(likely.min_bytes)
        }
        _ => Named::Plain,
    }
}

/// Members that name what is in the member of the second name beside them: environments, headers, parameters.
const PAIRS: [(&str, &str); 3] = [
    ("name", "value"),
    ("key", "value"),
    ("parameterkey", "parametervalue"),
];

/// Whether a member names the one beside it.
pub(super) fn is_naming(member: &[u8]) -> bool {
    let mut pairs = PAIRS.iter();
    pairs.any(|(name, _)| member.eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether a member is named by the one beside it.
pub(super) fn is_named_beside(member: &[u8]) -> bool {
    let mut pairs = PAIRS.iter();
    pairs.any(|(_, value)| member.eq_ignore_ascii_case(value.as_bytes()))
}

/// What a text says of what it names; its end counts, as in `/prod/db/password`.
pub(super) fn told_of(text: &[u8]) -> Named {
    told(
        text.last_chunk::<MAX_NAME_BYTES>()
            .map_or(text, |end| &end[..]),
    )
}

/// What an element of a list says of the next one: a long option, without its value.
pub(super) fn told_by_option(element: &[u8]) -> Named {
    match element.strip_prefix(b"--") {
        Some(option) if !option.contains(&b'=') => told(option),
        _ => Named::Plain,
    }
}

/// Whether there can be such pairs or options in a text.
pub(super) fn may_name(json: &str) -> bool {
    let has = |part: &str| memchr::memmem::find(json.as_bytes(), part.as_bytes()).is_some();
    json.starts_with(['{', '[']) && (has("alue\"") || has("ALUE\"") || has("\"--"))
}

/// Whether a value whose name makes it likely is a secret: one word, and no word of a language if it is long. What is
/// marked in it is none any more.
pub(super) fn looks_secret(value: &[u8], min_bytes: usize, marks: &Names) -> bool {
    let value = &marks.unmarked(value)[..];
    let is_one_word = value.iter().all(u8::is_ascii_graphic);
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let has_letter = value.iter().any(u8::is_ascii_alphabetic);
    let is_path = value.starts_with(b"/") || value.starts_with(b"http");
    value.len() >= min_bytes
        && is_one_word
        && has_letter
        && !is_path
        && !is_placeholder(value, marks)
        && has_digit
        && (value.len() < SHORT_BYTES || entropy(value) > WORDS_ENTROPY)
}

/// Whether a value stands for no secret at all.
pub(super) fn is_placeholder(value: &[u8], marks: &Names) -> bool {
    let is_marked = || {
        let rest = marks.unmarked(value);
        !rest
            .iter()
            .any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
    };
    let mut words = PLACEHOLDERS.iter();
    words.any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
        || (value.starts_with(marks::BEGIN) && is_marked())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_their_ending() {
        for name in [
            "password",
            "DB_PASSWORD",
            "x-api-key",
            "clientSecret",
            "Set-Cookie",
            "aws_secret_access_key",
        ] {
            assert!(is_secret(name.as_bytes()), "{name}");
        }
        for name in [
            "token",
            "max_tokens",
            "passwords_allowed",
            "secret_name",
            "",
            "key",
        ] {
            assert!(!is_secret(name.as_bytes()), "{name}");
        }
        assert!(!is_secret(&[b'a'; 100]));
        let marks = Names::default();
        assert!(is_placeholder(b"String", &marks) && !is_placeholder(b"hunter2", &marks));
        let mark = "[REDACTED:jwt:0123abcd]";
        for none in [mark.to_owned(), format!("{mark}; {mark}")] {
            assert!(is_placeholder(none.as_bytes(), &marks), "{none}");
        }
        for secret in ["[REDACTED: hunter2", "[REDACTED:hunter2:0123abcd]"]
            .map(ToOwned::to_owned)
            .into_iter()
            .chain([format!("{mark}hunter2")])
        {
            assert!(!is_placeholder(secret.as_bytes(), &marks), "{secret}");
        }
        assert!(!looks_secret(mark.as_bytes(), 16, &marks));
        assert!(looks_secret(
            format!("{mark}a1b2c3d4e5f6g7h8").as_bytes(),
            16,
            &marks
        ));
    }

    #[test]
    fn options_and_pairs_tell() {
        assert_eq!(told_by_option(b"--db-password"), Named::Secret);
        for other in ["-p", "--password=x", "password", "--verbose", "--"] {
            assert_eq!(told_by_option(other.as_bytes()), Named::Plain, "{other}");
        }
        let long = [&[b'/'; 100][..], b"db/password"].concat();
        assert_eq!(told_of(&long), Named::Secret);
        assert!(is_naming(b"Key") && is_named_beside(b"Value") && !is_naming(b"id"));
    }
}
