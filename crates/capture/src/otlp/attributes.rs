//! Attributes by name. What was taken has a place in the event; the rest goes into the content.

use super::value::{Any, write_pairs};

/// Most that is believed of a number that is told as a fraction: whole numbers have no gaps below.
const MOST: f64 = 9e15;

#[derive(Clone, Debug, Default)]
pub(super) struct Attributes(Vec<(String, Any)>);

impl Attributes {
    pub(super) fn new(pairs: Vec<(String, Any)>) -> Self {
        Self(pairs)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Any> {
        let mut named = self.0.iter().rev();
        named
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// A plain value that is not empty, as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.plain()
    }

    /// Whether any attribute's name begins so.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.0.iter().any(|(name, _)| name.starts_with(prefix))
    }

    /// Takes the first of these that is there.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Any> {
        let place = names
            .iter()
            .find_map(|name| self.0.iter().rposition(|(other, _)| other == name))?;
        Some(self.0.remove(place).1)
    }

    /// Takes the first of these that is a plain value.
    pub(super) fn take_text(&mut self, names: &[&str]) -> Option<String> {
        let name = names.iter().find(|name| self.text(name).is_some())?;
        self.take(&[name])?.plain()
    }

    /// Takes the first of these that is a count, however it is written.
    pub(super) fn take_count(&mut self, names: &[&str]) -> Option<u64> {
        let (name, count) = names
            .iter()
            .find_map(|name| Some((*name, count(self.get(name)?)?)))?;
        self.take(&[name]);
        Some(count)
    }

    /// Takes a number and answers it in a unit that is `times` as small, rounded.
    pub(super) fn take_scaled(&mut self, names: &[&str], times: f64) -> Option<u64> {
        let (name, scaled) = names
            .iter()
            .find_map(|name| Some((*name, whole(number(self.get(name)?)? * times)?)))?;
        self.take(&[name]);
        Some(scaled)
    }

    /// JSON of what is left; `None` if that is nothing.
    pub(super) fn rest(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        write_pairs(&self.0, &mut out);
        String::from_utf8(out).ok()
    }
}

fn count(value: &Any) -> Option<u64> {
    match value {
        Any::Int(number) => u64::try_from(*number).ok(),
        Any::Text(text) => text.parse().ok(),
        Any::Double(number) if number.fract() == 0.0 => whole(*number),
        _ => None,
    }
}

fn number(value: &Any) -> Option<f64> {
    match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "durations and prices are far below 2^53"
        )]
        Any::Int(number) => Some(*number as f64),
        Any::Double(number) => Some(*number),
        Any::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn whole(number: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    (0.0..MOST).contains(&number).then(|| number.round() as u64)
}
