//! The rule file format of gitleaks (`.gitleaks.toml`).
//!
//! Read are `[[rules]]` with `id`, `regex`, `secretGroup`, `entropy`, `keywords`, `allowlist` and `allowlists`, and the
//! `allowlist` and `allowlists` of the file; of an allowlist `regexes`, `regexTarget` and `stopwords`. Paths and commits say
//! nothing about traffic: a rule that is about paths alone is left out, and so is an allowlist that needs one.

use serde::Deserialize;

use super::rule::{Allowed, Pattern, Rule};

/// Rules of a file; gitleaks itself has about 220.
const MAX_RULES: usize = 2_000;

/// Why a rule file is not used.
#[derive(Debug, thiserror::Error)]
pub enum RuleFileError {
    /// Not TOML, or members of other types.
    #[error("the rule file is not one of gitleaks: {0}")]
    Toml(#[from] Box<toml::de::Error>),
    /// A rule's pattern is not accepted.
    #[error("rule {rule}: {source}")]
    Regex {
        /// Its id.
        rule: String,
        /// What is wrong.
        source: Box<regex::Error>,
    },
    /// A rule's id could not stand in a record.
    #[error("rule id {0:?} is not made of letters, digits, '-', '_' and '.'")]
    Id(String),
    /// More rules than the bound.
    #[error("the rule file has more than {MAX_RULES} rules")]
    TooMany,
    /// Secrets known beforehand are too many to search for.
    #[error("the known secrets cannot be searched for: {0}")]
    Known(#[from] aho_corasick::BuildError),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    rules: Vec<FileRule>,
    allowlist: Option<Allowlist>,
    allowlists: Vec<Allowlist>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FileRule {
    id: String,
    regex: Option<String>,
    secret_group: usize,
    entropy: f64,
    keywords: Vec<String>,
    allowlist: Option<Allowlist>,
    allowlists: Vec<Allowlist>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Allowlist {
    condition: String,
    regex_target: String,
    regexes: Vec<String>,
    stopwords: Vec<String>,
    paths: Vec<String>,
    commits: Vec<String>,
}

/// The rules of a file, all of them compiled, which shows that they are some.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, RuleFileError> {
    let file: File = toml::from_str(text).map_err(Box::new)?;
    if file.rules.len() > MAX_RULES {
        return Err(RuleFileError::TooMany);
    }
    let everywhere: Vec<_> = file.allowlists.into_iter().chain(file.allowlist).collect();
    let mut rules = Vec::with_capacity(file.rules.len());
    for rule in file.rules {
        let Some(pattern) = &rule.regex else {
            continue;
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if rule.id.is_empty() || !rule.id.chars().all(plain) {
            return Err(RuleFileError::Id(rule.id));
        }
        let own = rule.allowlists.iter().chain(&rule.allowlist);
        let allowed = own
            .chain(&everywhere)
            .filter_map(|allowlist| allowed(&rule.id, allowlist).transpose());
        rules.push(Rule {
            regex: pattern_of(&rule.id, pattern)?,
            group: (rule.secret_group > 0).then_some(rule.secret_group),
            entropy: (rule.entropy > 0.0).then_some(rule.entropy),
            min_run: 0,
            keywords: rule
                .keywords
                .iter()
                .map(|word| word.to_ascii_lowercase().into())
                .collect(),
            allowed: allowed.collect::<Result<_, _>>()?,
            id: rule.id.into(),
        });
    }
    Ok(rules)
}

fn allowed(rule: &str, allowlist: &Allowlist) -> Result<Option<Allowed>, RuleFileError> {
    let needs_more = allowlist.condition.eq_ignore_ascii_case("and")
        && !(allowlist.paths.is_empty() && allowlist.commits.is_empty());
    if needs_more {
        return Ok(None);
    }
    let regexes = allowlist
        .regexes
        .iter()
        .map(|regex| pattern_of(rule, regex));
    Ok(Some(Allowed {
        regexes: regexes.collect::<Result<_, _>>()?,
        of_match: matches!(allowlist.regex_target.as_str(), "match" | "line"),
        stopwords: allowlist
            .stopwords
            .iter()
            .map(|word| word.to_ascii_lowercase())
            .collect(),
    }))
}

fn pattern_of(rule: &str, text: &str) -> Result<Pattern, RuleFileError> {
    let pattern = Pattern::new(text.to_owned());
    pattern.check().map_err(|source| RuleFileError::Regex {
        rule: rule.to_owned(),
        source: Box::new(source),
    })?;
    Ok(pattern)
}
