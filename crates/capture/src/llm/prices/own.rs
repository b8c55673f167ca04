//! A user's own prices.
//!
//! ```toml
//! [[price]]
//! provider = "local"                # optional
//! model = "llama-*"                 # a star at the end stands for anything
//! input_usd_per_mtok = 0.5
//! output_usd_per_mtok = 1.5
//! cache_read_usd_per_mtok = 0.05    # optional, else as input
//! cache_write_usd_per_mtok = 0.6    # optional, else as input
//! cache_write_1h_usd_per_mtok = 1   # optional, else twice as input, or as cache_write if that is more
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Priced;
use crate::llm::usage::Counts;

/// Most prices of a file; LiteLLM's has about 3,000.
const MAX_PRICES: usize = 100_000;
/// Nano-dollars for a million tokens of a price in dollars for one million.
const NANO: f64 = 1e9;

/// One price, in nano-dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::llm) struct OwnPrice {
    provider: Option<String>,
    model: String,
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: u64,
}

/// Why a price file is not used.
#[derive(Debug, thiserror::Error)]
pub(in crate::llm) enum PriceFileError {
    #[error("it is neither our own format, in TOML or JSON, nor LiteLLM's: {0}")]
    Format(String),
    #[error("the price of {model} is negative or out of all bounds")]
    Value { model: String },
    #[error("it has no prices, or more than {MAX_PRICES}")]
    Count,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    price: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provider: Option<String>,
    model: String,
    input_usd_per_mtok: f64,
    output_usd_per_mtok: f64,
    cache_read_usd_per_mtok: Option<f64>,
    cache_write_usd_per_mtok: Option<f64>,
    cache_write_1h_usd_per_mtok: Option<f64>,
}

/// An entry of LiteLLM's `model_prices_and_context_window.json`.
#[derive(Deserialize)]
struct LiteLlm {
    litellm_provider: Option<String>,
    input_cost_per_token: Option<f64>,
    output_cost_per_token: Option<f64>,
    cache_read_input_token_cost: Option<f64>,
    cache_creation_input_token_cost: Option<f64>,
    cache_creation_input_token_cost_above_1hr: Option<f64>,
}

/// The prices of a file, those for whole names first.
pub(super) fn parse(text: &str) -> Result<Vec<OwnPrice>, PriceFileError> {
    let entries = if text.trim_start().starts_with('{') {
        parse_json(text)?
    } else {
        let file: File =
            toml::from_str(text).map_err(|error| PriceFileError::Format(error.to_string()))?;
        file.price
    };
    if entries.is_empty() || entries.len() > MAX_PRICES {
        return Err(PriceFileError::Count);
    }
    let mut prices = entries
        .iter()
        .map(OwnPrice::new)
        .collect::<Result<Vec<_>, _>>()?;
    prices.sort_by_key(|price| (price.model.ends_with('*'), price.provider.is_none()));
    Ok(prices)
}

fn parse_json(text: &str) -> Result<Vec<Entry>, PriceFileError> {
    if let Ok(file) = serde_json::from_str::<File>(text) {
        return Ok(file.price);
    }
    let wrong = |error: serde_json::Error| PriceFileError::Format(error.to_string());
    // Entries that are about images or sound have other members, and some are only descriptions.
    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).map_err(wrong)?;
    let priced = entries.into_iter().filter_map(|(model, entry)| {
        let entry: LiteLlm = serde_json::from_value(entry).ok()?;
        entry.into_entry(&model)
    });
    Ok(priced.collect())
}

impl LiteLlm {
    fn into_entry(self, model: &str) -> Option<Entry> {
        let per_mtok = |cost: Option<f64>| cost.map(|cost| cost * 1e6);
        // `provider/model` is how LiteLLM's own clients ask; the provider's clients do not say the first part.
        let provider = self.litellm_provider;
        let own = provider
            .as_ref()
            .and_then(|provider| model.strip_prefix(&format!("{provider}/")));
        Some(Entry {
            model: own.unwrap_or(model).to_owned(),
            input_usd_per_mtok: per_mtok(self.input_cost_per_token)?,
            output_usd_per_mtok: per_mtok(self.output_cost_per_token)?,
            cache_read_usd_per_mtok: per_mtok(self.cache_read_input_token_cost),
            cache_write_usd_per_mtok: per_mtok(self.cache_creation_input_token_cost),
            cache_write_1h_usd_per_mtok: per_mtok(self.cache_creation_input_token_cost_above_1hr),
            provider,
        })
    }
}

impl OwnPrice {
    fn new(entry: &Entry) -> Result<Self, PriceFileError> {
        let nano = |usd: f64| {
            let nano = (usd * NANO).round();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be in range"
            )]
            let whole = (0.0..9e15).contains(&nano).then_some(nano as u64);
            whole.ok_or_else(|| PriceFileError::Value {
                model: entry.model.clone(),
            })
        };
        let input = entry.input_usd_per_mtok;
        let write = entry.cache_write_usd_per_mtok.unwrap_or(input);
        Ok(Self {
            provider: entry.provider.clone(),
            model: entry.model.clone(),
            input: nano(input)?,
            output: nano(entry.output_usd_per_mtok)?,
            cache_read: nano(entry.cache_read_usd_per_mtok.unwrap_or(input))?,
            cache_write: nano(write)?,
            // Anthropic, who alone keeps some for an hour, takes twice as much as for input.
            cache_write_1h: nano(
                entry
                    .cache_write_1h_usd_per_mtok
                    .unwrap_or_else(|| write.max(2.0 * input)),
            )?,
        })
    }

    /// LiteLLM has names of its own for providers (`bedrock_converse`, `vertex_ai-language-models`).
    pub(super) fn covers(&self, priced: &Priced<'_>) -> bool {
        let is_provider = self.provider.as_ref().is_none_or(|provider| {
            provider == priced.provider || provider.starts_with(&format!("{}_", priced.provider))
        });
        let is_model = match self.model.strip_suffix('*') {
            Some(begin) => priced.model.starts_with(begin),
            None => priced.model == self.model,
        };
        is_provider && is_model
    }

    /// Rounded to the nearest; `None` if the answer does not say what it took.
    pub(super) fn nanousd(&self, counts: &Counts) -> Option<u64> {
        let (input, output) = (counts.input?, counts.output?);
        let read = counts.cache_read.unwrap_or(0);
        let write = counts.cache_write.unwrap_or(0);
        let hour = counts.cache_write_1h.unwrap_or(0).min(write);
        let plain = input.saturating_sub(read).saturating_sub(write);
        let parts = [
            (plain, self.input),
            (output, self.output),
            (read, self.cache_read),
            (write - hour, self.cache_write),
            (hour, self.cache_write_1h),
        ];
        let millionths: u128 = parts
            .iter()
            .map(|(tokens, price)| u128::from(*tokens) * u128::from(*price))
            .sum();
        u64::try_from((millionths + 500_000) / 1_000_000).ok()
    }
}
