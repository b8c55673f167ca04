//! Names of JSON members whose values are secrets whatever they look like.

/// Longest name that is looked at, bytes.
pub(super) const MAX_NAME_BYTES: usize = 64;

/// Endings of such names, lower case, without `_` and `-`.
const ENDINGS: [&str; 22] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "cookie",
    "idtoken",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "secrettoken",
    "securitytoken",
    "sessiontoken",
    "signingkey",
];

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

/// Whether the value of a member of this name is a secret.
pub(crate) fn is_secret(name: &[u8]) -> bool {
    if name.len() > MAX_NAME_BYTES {
        return false;
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
    ENDINGS
        .iter()
        .any(|ending| plain.ends_with(ending.as_bytes()))
}

/// Whether a value stands for no secret at all.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    value.starts_with(b"[REDACTED:")
        || PLACEHOLDERS
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
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
        assert!(is_placeholder(b"String") && !is_placeholder(b"hunter2"));
    }
}
