//! Secrets that a command is known to have: what its environment calls one, and what its arguments give away. They are
//! taken out of its output, too, wherever they occur.

use std::ffi::{OsStr, OsString};

use super::output::line;
use crate::redact::{Piece, Redaction, Secret, is_placeholder, is_secret_name, label};

/// Endings of names of variables whose values are secrets, besides those that are secret in any place.
const ENDINGS: [&str; 7] = [
    "_TOKEN",
    "_KEY",
    "_PASS",
    "_PAT",
    "_CREDENTIALS",
    "_DSN",
    "_AUTH",
];
/// Working directories, not passwords.
const NO_SECRETS: [&str; 2] = ["PWD", "OLDPWD"];
/// Shortest value that is taken for a secret: shorter ones are found in ordinary words.
const MIN_VALUE_BYTES: usize = 8;
/// Most variables that are looked for in every output.
const MAX_SECRETS: usize = 256;

/// The secrets of an environment.
#[must_use]
pub fn of_environment(env: impl Iterator<Item = (OsString, OsString)>) -> Vec<Secret> {
    env.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| is_secret(name, value))
        .map(|(_, value)| Secret {
            label: label::ENVIRONMENT,
            value,
        })
        .take(MAX_SECRETS)
        .collect()
}

/// What arguments give away, so that it is found in the output, too.
#[must_use]
pub fn of_arguments(argv: &[OsString], with: &Redaction<'_>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    with.pieces(&line(argv), &mut |piece| {
        let Piece::Secret { value, .. } = piece else {
            return;
        };
        let text = std::str::from_utf8(value)
            .map(str::trim)
            .unwrap_or_default();
        if text.len() >= MIN_VALUE_BYTES && secrets.len() < MAX_SECRETS {
            secrets.push(Secret {
                label: label::ARGUMENT,
                value: text.to_owned(),
            });
        }
    });
    secrets
}

fn is_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_named = ENDINGS.iter().any(|ending| upper.ends_with(ending))
        || (is_secret_name(name.as_bytes()) && !NO_SECRETS.contains(&name))
        || matches!(upper.as_str(), "TOKEN" | "PASS" | "KEY");
    // A path to a secret is none.
    let is_path = value.starts_with('/') && std::path::Path::new(OsStr::new(value)).exists();
    is_named && value.len() >= MIN_VALUE_BYTES && !is_placeholder(value.as_bytes()) && !is_path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[test]
    fn variables_are_told_by_their_names() {
        let env = [
            ("GITHUB_TOKEN", "0123456789"),
            ("DB_PASSWORD", "hunter2hunter2"),
            ("openai_api_key", "abcdefgh"),
            ("PWD", "/some/where/else"),
            ("HOME", "/home/somebody"),
            ("SHORT_KEY", "abc"),
            ("SSL_KEY", "/"),
            ("MONKEY", "banana-banana"),
        ];
        let env = env.map(|(name, value)| (name.into(), value.into()));
        let found = of_environment(env.into_iter());
        let values: Vec<_> = found.iter().map(|secret| secret.value.as_str()).collect();
        assert_eq!(values, ["0123456789", "hunter2hunter2", "abcdefgh"]);
    }

    #[test]
    fn what_an_option_gives_away_is_known() {
        let redactor = Redactor::new(None, &[], &[0; 32]).unwrap();
        let argv = ["login", "--password", "Tr0ub4dor&3xyz", "--user", "joe"].map(OsString::from);
        let found = of_arguments(&argv, &redactor.with(&[]));
        assert_eq!(found.len(), 1);
        assert!("Tr0ub4dor&3xyz".starts_with(&found[0].value));
    }
}
