//! What an answer cost, in whole nano-dollars.
//!
//! A user's own prices go before the built-in table (crate `genai-prices`). What neither knows has no price, which is not
//! the same as none to pay.

mod own;

use std::time::{Duration, UNIX_EPOCH};

use event::Micros;
use genai_prices::{Calculator, PriceRequest, UsageKey};
use sha2::{Digest, Sha256};

use super::usage::Counts;
use crate::payload::hex;
use own::OwnPrice;
pub(super) use own::PriceFileError;

/// Version of the built-in table: a test holds it to the crate's.
const BUILT_IN: &str = "genai-prices-0.2.1";
/// Names that providers have in our settings and in the table.
const PROVIDER_IDS: [(&str, &str); 2] = [("gemini", "google"), ("bedrock", "aws")];

/// Price tables.
#[derive(Debug)]
pub(crate) struct Prices {
    own: Vec<OwnPrice>,
    own_version: String,
    built_in: &'static Calculator,
}

/// A price, and the version of the table that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) nanousd: u64,
    pub(crate) table: String,
}

/// What is to be priced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Priced<'a> {
    /// Name in the settings.
    pub(crate) provider: &'a str,
    /// Base URL.
    pub(crate) url: &'a str,
    pub(crate) model: &'a str,
    /// `service_tier` of the answer.
    pub(crate) tier: Option<&'a str>,
    pub(crate) at: Micros,
}

impl Prices {
    pub(crate) fn built_in() -> Self {
        Self {
            own: Vec::new(),
            own_version: String::new(),
            built_in: Calculator::bundled(),
        }
    }

    /// With a table of the user's: TOML or JSON of ours, or LiteLLM's JSON.
    pub(super) fn with_file(text: &str) -> Result<Self, PriceFileError> {
        let digest = hex(&Sha256::digest(text));
        let short = digest.get(..12).unwrap_or_default();
        Ok(Self {
            own: own::parse(text)?,
            own_version: format!("own-{short}"),
            ..Self::built_in()
        })
    }

    /// `None` if the model, or what it took, is not known.
    pub(crate) fn price(&self, priced: &Priced<'_>, counts: &Counts) -> Option<Price> {
        let own = self.own.iter().find(|price| price.covers(priced));
        if let Some(own) = own {
            return Some(Price {
                nanousd: own.nanousd(counts)?,
                table: self.own_version.clone(),
            });
        }
        Some(Price {
            nanousd: self.by_table(priced, counts)?,
            table: BUILT_IN.to_owned(),
        })
    }

    fn by_table(&self, priced: &Priced<'_>, counts: &Counts) -> Option<u64> {
        let price = self.table_price(priced, counts)?;
        let hour = counts.cache_write_1h.unwrap_or(0);
        if hour.min(counts.cache_write.unwrap_or(0)) == 0 {
            return nanousd(price);
        }
        // A table without a price for an hour takes that for five minutes.
        let short = Counts {
            cache_write_1h: None,
            ..counts.clone()
        };
        if price > self.table_price(priced, &short)? {
            return nanousd(price);
        }
        let plain = Counts {
            cache_write: counts.cache_write.map(|write| write.saturating_sub(hour)),
            ..short
        };
        nanousd(hour_price(
            priced.model,
            price,
            self.table_price(priced, &plain)?,
        )?)
    }

    /// US dollars.
    fn table_price(&self, priced: &Priced<'_>, counts: &Counts) -> Option<f64> {
        let usage = usage(counts)?;
        let name = PROVIDER_IDS
            .iter()
            .find(|(name, _)| *name == priced.provider);
        let id = name.map_or(priced.provider, |(_, id)| id);
        let mut request = PriceRequest::new(priced.model, &usage)
            .with_timestamp(UNIX_EPOCH + Duration::from_micros(priced.at.0));
        if let Some(tier) = priced.tier {
            request = request.with_price_context("service_tier", tier);
        }
        // A provider of another name may still be one that the table knows, by its address.
        let by_id = self
            .built_in
            .calculate(&request.clone().with_provider_id(id));
        let price = by_id.or_else(|_| {
            self.built_in
                .calculate(&request.with_provider_api_url(priced.url))
        });
        Some(price.ok()?.total_price)
    }
}

/// Dollars where writes for an hour cost `short` for five minutes and `plain` as input. Anthropic's models cost a quarter
/// more than input for five minutes and as much again for an hour, whoever serves them; of others nothing is known.
fn hour_price(model: &str, short: f64, plain: f64) -> Option<f64> {
    let quarter = short - plain;
    (model.contains("claude") && quarter > 0.0).then_some(plain + 4.0 * quarter)
}

fn usage(counts: &Counts) -> Option<genai_prices::Usage> {
    let (input, output) = (counts.input?, counts.output?);
    let write = counts.cache_write.unwrap_or(0);
    let hour = counts.cache_write_1h.unwrap_or(0).min(write);
    let parts = [
        (UsageKey::INPUT_TOKENS, input),
        (UsageKey::OUTPUT_TOKENS, output),
        (UsageKey::CACHE_READ_TOKENS, counts.cache_read.unwrap_or(0)),
        (UsageKey::CACHE_WRITE_TOKENS, write),
        (UsageKey::CACHE_WRITE_1H_TOKENS, hour),
    ];
    let some = parts.into_iter().filter(|(_, tokens)| *tokens > 0);
    #[expect(
        clippy::cast_precision_loss,
        reason = "tokens of one answer are far below 2^53"
    )]
    Some(some.map(|(key, tokens)| (key, tokens as f64)).collect())
}

/// The table computes in dollars; rounding to nano-dollars takes away what floating point added.
fn nanousd(usd: f64) -> Option<u64> {
    let nano = (usd * 1e9).round();
    // Beyond this, whole numbers have gaps, and no answer costs 9 million dollars.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    (0.0..9e15).contains(&nano).then_some(nano as u64)
}

#[cfg(test)]
mod tests;
