//! Query parameters: only those that the route has, each once.

use std::ops::RangeInclusive;

use axum::extract::Query;
use hyper::Uri;
use percent_encoding::percent_decode_str;

use crate::problem::{Code, Problem};

/// A parameter that a route takes.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
}

/// What values a parameter takes, for the interface description.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Integer { min: u64, max: Option<u64> },
    OneOf(&'static [&'static str]),
}

/// The parameters of one request.
#[derive(Clone, Debug)]
pub(crate) struct Params(Vec<(&'static str, String)>);

/// Characters of an unknown name that are told back.
const MOST_SHOWN: usize = 64;
const NOT_UTF_8: &str = "not percent-encoded UTF-8";

impl Params {
    /// Reads the query of a request to a route with these parameters.
    pub(crate) fn parse(uri: &Uri, known: &[Param]) -> Result<Self, Problem> {
        check_encoding(uri.query().unwrap_or(""))?;
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Problem::new(Code::InvalidParameter, NOT_UTF_8))?;
        let mut params = Self(Vec::with_capacity(pairs.len()));
        for (name, value) in pairs {
            let Some(param) = known.iter().find(|param| param.name == name) else {
                let names: Vec<_> = known.iter().map(|param| param.name).collect();
                let detail = if names.is_empty() {
                    "the path takes no parameters".to_owned()
                } else {
                    format!("not a parameter of this path; it has {}", names.join(", "))
                };
                let shown: String = name.chars().take(MOST_SHOWN).collect();
                let nearest = event::filter::nearest(&name, names.iter().copied());
                let suggestion = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
                let problem = Problem::parameter(Code::UnknownParameter, shown, detail);
                return Err(match suggestion {
                    Some(suggestion) => problem.suggest(suggestion),
                    None => problem,
                });
            };
            if params.get(param.name).is_some() {
                return Err(Problem::parameter(
                    Code::DuplicateParameter,
                    param.name,
                    "given twice",
                ));
            }
            params.0.push((param.name, value));
        }
        Ok(params)
    }

    /// Parameters that came in a body instead of the URL.
    pub(crate) fn of(pairs: Vec<(&'static str, Option<String>)>) -> Self {
        let given = pairs.into_iter();
        Self(
            given
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        )
    }

    /// Adds parameters that a cursor brought.
    pub(crate) fn extend(
        &mut self,
        pairs: Vec<(String, String)>,
        allowed: &[&'static str],
    ) -> Result<(), Problem> {
        for (name, value) in pairs {
            let known = allowed.iter().find(|known| **known == name);
            let Some(known) = known.filter(|known| self.get(known).is_none()) else {
                let detail = "the cursor is malformed";
                return Err(Problem::parameter(Code::InvalidCursor, "cursor", detail));
            };
            self.0.push((known, value));
        }
        Ok(())
    }

    /// A parameter's value, decoded.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number: decimal digits, no sign.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        decimal(text)
            .map(Some)
            .ok_or_else(|| Problem::parameter(Code::InvalidParameter, name, "not a whole number"))
    }

    /// A parameter that is a number between two bounds, both meant.
    pub(crate) fn within(
        &self,
        name: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let number = self.number(name)?;
        if number.is_none_or(|number| bounds.contains(&number)) {
            return Ok(number);
        }
        let detail = format!("{} to {}", bounds.start(), bounds.end());
        Err(Problem::parameter(Code::InvalidParameter, name, detail))
    }

    /// A parameter that is one of a few words; the first one is the default.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(Some(*value));
        }
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let detail = format!("one of {}", names.join(", "));
        Err(Problem::parameter(Code::InvalidParameter, name, detail))
    }
}

/// Refuses bytes that are no UTF-8: decoding would put U+FFFD in their place, and something else than
/// what was asked for would be searched.
fn check_encoding(query: &str) -> Result<(), Problem> {
    for pair in query.split('&') {
        let is_text = |text| percent_decode_str(text).decode_utf8().is_ok();
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !is_text(name) || !is_text(value) {
            let shown: String = name.chars().take(MOST_SHOWN).collect();
            return Err(Problem::parameter(Code::InvalidParameter, shown, NOT_UTF_8));
        }
    }
    Ok(())
}

/// Digits only: what `str::parse` would also take, a plus sign, is not a number in a URL.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Param] = &[
        Param {
            name: "a",
            about: "",
            kind: Kind::Text,
        },
        Param {
            name: "n",
            about: "",
            kind: Kind::Text,
        },
    ];

    fn parse(query: &str) -> Result<Params, Code> {
        let uri = format!("/x?{query}").parse().unwrap();
        Params::parse(&uri, KNOWN).map_err(|problem| problem.code())
    }

    #[test]
    fn values_are_decoded() {
        let params = parse("a=x%20y+z%3D&n=7").unwrap();
        assert_eq!(params.get("a"), Some("x y z="));
        assert_eq!(params.number("n").unwrap(), Some(7));
        assert_eq!(params.get("b"), None);
    }

    #[test]
    fn what_is_no_utf_8_is_not_replaced() {
        for bad in ["a=%FF", "n=1&a=x%C3", "a=%ED%A0%80", "%FF=1", "a=1&%FF"] {
            assert_eq!(parse(bad).unwrap_err(), Code::InvalidParameter, "{bad}");
        }
        let params = parse("a=%EF%BF%BD+100%&&n=%").unwrap();
        assert_eq!(params.get("a"), Some("\u{fffd} 100%"));
        assert_eq!(params.get("n"), Some("%"));
    }

    #[test]
    fn unknown_and_doubled_names_are_refused() {
        assert_eq!(parse("b=1").unwrap_err(), Code::UnknownParameter);
        assert_eq!(parse("a=1&a=1").unwrap_err(), Code::DuplicateParameter);
    }

    #[test]
    fn numbers_are_digits() {
        for bad in ["", "%2B1", "-1", "1.0", "99999999999999999999", "0x1"] {
            let params = parse(&format!("n={bad}")).unwrap();
            assert!(params.number("n").is_err(), "{bad}");
        }
    }
}
