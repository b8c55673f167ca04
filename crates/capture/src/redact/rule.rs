//! One rule: where it looks, and what it takes for a secret.

use std::{borrow::Cow, sync::OnceLock};

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::own::Own;

/// Memory of one compiled rule, bytes. The largest rule of gitleaks takes 4 MiB.
const REGEX_BYTES: usize = 16 << 20;

/// A rule, ready for use.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: Cow<'static, str>,
    pub(super) regex: Pattern,
    /// Group that is the secret; without one, the first that matched, else everything.
    pub(super) group: Option<usize>,
    /// Bits of entropy for each character that the secret must have more of.
    pub(super) entropy: Option<f64>,
    /// Lower case. The rule runs only where one of them occurs; always, if there are none.
    pub(super) keywords: Vec<Cow<'static, str>>,
    /// It finds nothing in a text without so many letters, digits, `_`, `-` and `.` in a row.
    pub(super) min_run: usize,
    pub(super) allowed: Vec<Allowed>,
}

/// A pattern that is compiled when it is first needed: a process that lives for one event needs few of them.
#[derive(Debug)]
pub(super) struct Pattern {
    text: Cow<'static, str>,
    compiled: OnceLock<Option<Regex>>,
}

/// What is no secret although the rule matches.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    pub(super) regexes: Vec<Pattern>,
    /// Whether `regexes` look at the whole match, not at the secret alone.
    pub(super) of_match: bool,
    /// Lower case; occurring anywhere in the secret.
    pub(super) stopwords: Vec<String>,
}

impl Pattern {
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            compiled: OnceLock::new(),
        }
    }

    /// Compiles it now.
    pub(super) fn check(&self) -> Result<(), regex::Error> {
        let regex = self.compile()?;
        self.compiled.get_or_init(|| Some(regex));
        Ok(())
    }

    /// `None` for a pattern that was never checked and is none.
    pub(super) fn get(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| self.compile().ok()).as_ref()
    }

    /// Go's and Rust's patterns differ in nothing that rules use. Classes are those of ASCII, as in Go.
    fn compile(&self) -> Result<Regex, regex::Error> {
        RegexBuilder::new(&self.text)
            .unicode(false)
            .size_limit(REGEX_BYTES)
            .build()
    }
}

impl From<&'static Own> for Rule {
    fn from(own: &'static Own) -> Self {
        let allowed = Allowed {
            regexes: own.allowed.iter().map(|text| Pattern::new(*text)).collect(),
            ..Allowed::default()
        };
        Self {
            id: own.id.into(),
            regex: Pattern::new(own.regex),
            group: None,
            entropy: own.entropy,
            keywords: own.keywords.iter().map(|word| (*word).into()).collect(),
            min_run: own.min_run,
            allowed: vec![allowed],
        }
    }
}

impl Rule {
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
        let matches = |pattern: &Pattern| pattern.get().is_some_and(|regex| regex.is_match(target));
        if self.regexes.iter().any(matches) {
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
pub(super) fn entropy(text: &[u8]) -> f64 {
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
