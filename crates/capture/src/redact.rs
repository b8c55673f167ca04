//! Secrets taken out of what is recorded, before it is hashed, stored or cut.
//!
//! A secret becomes `[REDACTED:<rule>:<8 hex of a keyed hash>]`: equal secrets stay comparable, and nobody without
//! the trail's key can try out guesses. Rules come in the file format of gitleaks; secrets that are known, such as
//! the keys that a gateway injects, are found wherever they occur.

mod escapes;
mod find;
mod gitleaks;
mod json;
mod keywords;
pub mod label;
mod marks;
mod names;
mod own;
mod rule;
mod text;

use std::{borrow::Cow, fmt, sync::RwLock};

use aho_corasick::AhoCorasick;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use find::{Found, Rules};
pub use gitleaks::RuleFileError;
pub(crate) use json::JsonStream;
use marks::Names;
pub(crate) use names::is_secret as is_secret_name;
use rule::Rule;
pub(crate) use text::TextStream;

/// Shortest known secret that is searched for: a shorter one would be found in ordinary words.
const MIN_LITERAL_BYTES: usize = 6;

/// Finds and replaces secrets; one for each gateway, shared by all its surfaces.
pub struct Redactor {
    rules: Rules,
    literals: Option<AhoCorasick>,
    /// Rule names of the patterns of `literals`.
    labels: Vec<&'static str>,
    key: RwLock<Hmac<Sha256>>,
}

/// A secret that is known by its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Takes the place of a rule's name; one of [`label`], or its marks are looked into again.
    pub label: &'static str,
    /// The secret itself.
    pub value: String,
}

/// Secrets of one exchange, such as the key that its client sent.
pub type Secrets = [Secret];

/// What becomes of a part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// It stays.
    Plain(&'a [u8]),
    /// It was a secret, and this takes its place.
    Secret { value: &'a [u8], mark: &'a [u8] },
}

/// A redactor and the secrets of one exchange.
#[derive(Clone, Copy)]
pub struct Redaction<'a> {
    pub(crate) redactor: &'a Redactor,
    pub(crate) secrets: &'a Secrets,
}

impl Redactor {
    /// Our own rules, then those of a file (gitleaks format), and the secrets known beforehand.
    ///
    /// # Errors
    /// [`RuleFileError`] if the file's text is not a rule file.
    pub fn new(
        rule_file: Option<&str>,
        literals: &[Secret],
        key: &[u8; 32],
    ) -> Result<Self, RuleFileError> {
        let mut rules: Vec<_> = own::RULES.iter().map(Rule::from).collect();
        let of_file = rule_file.map(gitleaks::parse).transpose()?;
        let of_file = of_file.unwrap_or_default();
        let marks = Names::new(of_file.iter().map(|rule| &*rule.id));
        rules.extend(of_file);
        debug_assert!(are_labelled(literals));
        let literals: Vec<_> = literals
            .iter()
            .filter(|secret| secret.value.len() >= MIN_LITERAL_BYTES)
            .collect();
        let automaton = (!literals.is_empty())
            .then(|| AhoCorasick::new(literals.iter().map(|secret| &secret.value)));
        Ok(Self {
            rules: Rules::new(rules, marks),
            literals: automaton.transpose()?,
            labels: literals.iter().map(|secret| secret.label).collect(),
            key: RwLock::new(keyed(key)),
        })
    }

    /// Replaces the key of the hashes: the trail's own comes from the server, which may not have been there at the
    /// start.
    pub fn set_key(&self, key: &[u8; 32]) {
        let mut current = self
            .key
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *current = keyed(key);
    }

    /// The redactor together with the secrets of one exchange.
    #[must_use]
    pub fn with<'a>(&'a self, secrets: &'a Secrets) -> Redaction<'a> {
        debug_assert!(are_labelled(secrets));
        Redaction {
            redactor: self,
            secrets,
        }
    }

    /// The keyed hash of a secret: 8 hex digits.
    #[must_use]
    pub fn fingerprint(&self, secret: &[u8]) -> String {
        let [a, b, c, d, ..] = self.digest(secret);
        format!("{a:02x}{b:02x}{c:02x}{d:02x}")
    }

    /// A hash under the same key, for names that are made of what was said: whoever reads them cannot try out guesses.
    #[must_use]
    pub fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let key = self
            .key
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        key.clone()
            .chain_update(bytes)
            .finalize()
            .into_bytes()
            .into()
    }
}

impl Redaction<'_> {
    /// A text without its secrets; counts them.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str, count: &mut u64) -> Cow<'t, str> {
        let found = self.find(text.as_bytes(), 0);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = Vec::with_capacity(text.len());
        self.replace(text.as_bytes(), 0, text.len(), &found, &mut out);
        *count += found.len() as u64;
        // Rules work on bytes; one that cuts through a character must not cost the text.
        Cow::Owned(String::from_utf8_lossy(&out).into_owned())
    }

    /// The names of marks.
    fn marks(&self) -> &Names {
        &self.redactor.rules.marks
    }

    /// Secrets in order and apart from each other and from marks; only those that begin at `from` or behind it.
    fn find(&self, text: &[u8], from: usize) -> Vec<Found> {
        let mut found = Vec::new();
        if let Some(literals) = &self.redactor.literals {
            for hit in literals.find_iter(text) {
                if let Some(label) = self.redactor.labels.get(hit.pattern().as_usize()) {
                    found.push(Found::known(hit.start(), hit.end(), label));
                }
            }
        }
        for secret in self.secrets {
            if secret.value.len() >= MIN_LITERAL_BYTES {
                let length = secret.value.len();
                found.extend(
                    memchr::memmem::find_iter(text, secret.value.as_bytes())
                        .map(|start| Found::known(start, start + length, secret.label)),
                );
            }
        }
        let marks = self.redactor.rules.find(text, from, &mut found);
        find::settle(find::unmarked(found, &marks), from)
    }

    /// Appends `text[from..to]` with what was found there replaced.
    fn replace(&self, text: &[u8], from: usize, to: usize, found: &[Found], out: &mut Vec<u8>) {
        self.each(text, from, to, found, &mut |piece| {
            out.extend_from_slice(piece.after());
        });
    }

    /// The pieces of `text[from..to]`, in order.
    fn each(
        &self,
        text: &[u8],
        from: usize,
        to: usize,
        found: &[Found],
        emit: &mut dyn FnMut(Piece<'_>),
    ) {
        let mut at = from;
        let mut mark = Vec::new();
        for secret in found {
            emit(Piece::Plain(text.get(at..secret.start).unwrap_or_default()));
            let value = text.get(secret.start..secret.end).unwrap_or_default();
            mark.clear();
            self.write_mark(secret.label(&self.redactor.rules), value, &mut mark);
            emit(Piece::Secret { value, mark: &mark });
            at = secret.end;
        }
        emit(Piece::Plain(text.get(at..to).unwrap_or_default()));
    }

    /// The pieces of a whole text, in order.
    pub(crate) fn pieces(&self, text: &[u8], emit: &mut dyn FnMut(Piece<'_>)) {
        self.each(text, 0, text.len(), &self.find(text, 0), emit);
    }

    /// The rule that takes a value as a whole for a secret, for which it has to be the same wherever the value stands; `before`
    /// is what stands before it.
    fn rule_of(&self, value: &[u8], before: &[u8]) -> Option<&str> {
        let text = [before, value].concat();
        let found = self.find(&text, 0);
        let whole = found
            .iter()
            .find(|secret| secret.start == before.len() && secret.end == text.len())?;
        Some(whole.label(&self.redactor.rules))
    }

    /// Appends what stands for a secret.
    fn write_mark(&self, rule: &str, value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(marks::BEGIN);
        out.extend_from_slice(rule.as_bytes());
        out.push(b':');
        out.extend_from_slice(self.redactor.fingerprint(value).as_bytes());
        out.push(b']');
    }
}

impl<'a> Piece<'a> {
    /// What is recorded of it.
    pub(crate) fn after(&self) -> &'a [u8] {
        match self {
            Self::Plain(text) => text,
            Self::Secret { mark, .. } => mark,
        }
    }

    /// Length of what came.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Secret { value, .. } => value.len(),
        }
    }
}

/// Whether a value stands for no secret at all; what only a rule file names is not known here.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    names::is_placeholder(value, &Names::default())
}

/// Whether the marks of these secrets will be known as such.
fn are_labelled(secrets: &Secrets) -> bool {
    let mut secrets = secrets.iter();
    secrets.all(|secret| label::ALL.contains(&secret.label))
}

/// HMAC pads a short key with zeroes to the block size, so this is the same key and cannot fail.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&block.into())
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(..)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Redaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redaction(..)")
    }
}

#[cfg(test)]
mod tests;
