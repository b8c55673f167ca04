//! One rule: where it looks, and what it takes for a secret.

use std::sync::OnceLock;

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

/// Memory of one compiled pattern, bytes. The largest rule of gitleaks takes 4 MiB.
const REGEX_BYTES: usize = 16 << 20;

/// A pattern, compiled when it is first needed: a short-lived process needs hardly any, and all of them take longer
/// than most commands run.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    compiled: OnceLock<Result<Regex, Box<regex::Error>>>,
}

/// A rule, ready for use.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) pattern: Pattern,
    /// Group that is the secret; without one, the first that matched, else everything.
    pub(super) group: Option<usize>,
    /// Bits of entropy for each character that the secret must have more of.
    pub(super) entropy: Option<f64>,
    /// Lower case. The rule runs only where one of them occurs; always, if there are none.
    pub(super) keywords: Vec<String>,
    pub(super) allowed: Vec<Allowed>,
}

/// What is no secret although the rule matches.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    pub(super) patterns: Vec<Pattern>,
    /// Whether `patterns` look at the whole match, not at the secret alone.
    pub(super) of_match: bool,
    /// Lower case; occurring anywhere in the secret.
    pub(super) stopwords: Vec<String>,
}

impl Pattern {
    pub(super) fn new(text: String) -> Self {
        Self {
            text,
            compiled: OnceLock::new(),
        }
    }

    /// Go's and Rust's patterns differ in nothing that rules use. Classes are those of ASCII, as in Go.
    pub(super) fn compiled(&self) -> Result<&Regex, &regex::Error> {
        let compiled = self.compiled.get_or_init(|| {
            let mut builder = RegexBuilder::new(&self.text);
            let builder = builder.unicode(false).size_limit(REGEX_BYTES);
            builder.build().map_err(Box::new)
        });
        compiled.as_ref().map_err(|error| &**error)
    }

    fn is_match(&self, text: &[u8]) -> bool {
        self.compiled().is_ok_and(|regex| regex.is_match(text))
    }
}

impl Rule {
    /// Every pattern of the rule.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let allowed = self.allowed.iter().flat_map(|allowed| &allowed.patterns);
        std::iter::once(&self.pattern).chain(allowed)
    }

    /// The place of the secret in a match; `None` if it is none after all.
    pub(super) fn secret(&self, text: &[u8], groups: &CaptureLocations) -> Option<(usize, usize)> {
        let whole = groups.get(0)?;
        let (start, end) = match self.group {
            Some(group) => groups.get(group),
            None => (1..groups.len()).find_map(|group| groups.get(group)),
        }
        .unwrap_or(whole);
        let secret = text.get(start..end)?;
        let matched = text.get(whole.0..whole.1)?;
        let is_secret = self.entropy.is_none_or(|least| entropy(secret) > least)
            && !self
                .allowed
                .iter()
                .any(|allowed| allowed.covers(secret, matched));
        is_secret.then_some((start, end))
    }
}

impl Allowed {
    pub(super) fn covers(&self, secret: &[u8], whole: &[u8]) -> bool {
        let target = if self.of_match { whole } else { secret };
        if self.patterns.iter().any(|pattern| pattern.is_match(target)) {
            return true;
        }
        if self.stopwords.is_empty() {
            return false;
        }
        let lower = secret.to_ascii_lowercase();
        self.stopwords
            .iter()
            .any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some())
    }
}

/// Shannon's entropy of a text, bits for each byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate over short texts")]
    let length = text.len().max(1) as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_tells_words_from_random_text() {
        assert!(entropy(b"aaaaaaaa") < 0.1);
        assert!(entropy(b"required") < 3.0);
        assert!(entropy(b"Zx8_qP2vTn5kLw0r") > 3.5);
        assert!(entropy(b"").abs() < f64::EPSILON);
    }
}
