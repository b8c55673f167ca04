//! Surface `otlp`: logs and spans of OpenTelemetry, as events.
//!
//! In scope: the two encodings of OTLP/HTTP (protobuf and JSON), one record at a time so that memory follows the record and not
//! the request; the names that agents and instrumentations have for what they do; ids that make a request that is sent
//! again the same events. Pure: bytes in, drafts out. The server has the routes.
//!
//! Out of scope: metrics, which say how often and never what; gRPC.
//!
//! What a program says of itself is a claim. Attributes that have no place of their own are kept in the content.

mod agents;
mod attributes;
mod genai;
mod log;
mod reply;
mod request;
mod span;
mod value;
mod wire;

use std::collections::HashMap;

use event::{
    Micros,
    json::{Kind, Value as JsonValue, compact},
};

use crate::{
    draft::{Draft, Usage},
    identity::Scope,
    llm::{Counts, Priced, Prices},
    payload::hex,
    redact::Redaction,
};
pub use reply::reply;
use request::{Signal as Shape, records};
use wire::Node;
pub use wire::WireError;

/// Most records of a request. An exporter sends 512 at a time, a collector 8,192.
pub const MAX_RECORDS: usize = 10_000;

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `ExportLogsServiceRequest`
    Logs,
    /// `ExportTraceServiceRequest`
    Traces,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// What is known beside the request.
pub struct About<'a> {
    /// Who sends, and what headers say of agent, project and job.
    pub scope: Scope,
    /// Whether a header names the agent.
    pub is_named: bool,
    /// For records that have no time.
    pub now: Micros,
    /// Takes secrets out.
    pub with: Redaction<'a>,
    prices: Prices,
}

/// One record of a request.
#[derive(Debug)]
pub struct Record {
    /// The event; its id is given where the same record has the same one each time that it is sent.
    pub draft: Draft,
}

/// Records of a request, and why others are none.
#[derive(Debug, Default)]
pub struct Export {
    /// In their order.
    pub records: Vec<Record>,
    /// What is wrong with those that are left out.
    pub refused: Vec<WireError>,
}

impl<'a> About<'a> {
    /// With the built-in prices.
    #[must_use]
    pub fn new(scope: Scope, is_named: bool, now: Micros, with: Redaction<'a>) -> Self {
        Self {
            scope,
            is_named,
            now,
            with,
            prices: Prices::built_in(),
        }
    }

    /// Usage with its price: the one that was told, else that of the table.
    fn usage(&self, told: Told, at: Micros) -> Option<Usage> {
        let Told {
            provider,
            model,
            counts,
            cost_nanousd,
        } = told;
        let is_there = counts.input.or(counts.output).or(cost_nanousd).is_some();
        if !is_there {
            return None;
        }
        let priced = Priced {
            provider: provider.as_deref().map_or("", provider_id),
            url: "",
            model: model.as_deref().unwrap_or_default(),
            tier: None,
            at,
        };
        let (cost_nanousd, table) = match cost_nanousd {
            Some(cost) => (Some(cost), Some("stated".to_owned())),
            None => self
                .prices
                .price(&priced, &counts)
                .map(|price| (price.nanousd, price.table))
                .unzip(),
        };
        Some(Usage {
            provider,
            model,
            input_tokens: counts.input,
            output_tokens: counts.output,
            cache_read_tokens: counts.cache_read,
            cache_write_tokens: counts.cache_write,
            reasoning_tokens: counts.reasoning,
            cost_nanousd,
            prices: table,
        })
    }
}

/// Usage as somebody tells of it.
#[derive(Debug, Default)]
struct Told {
    provider: Option<String>,
    model: Option<String>,
    counts: Counts,
    cost_nanousd: Option<u64>,
}

/// The events of a request.
///
/// # Errors
/// [`WireError`] if the request as a whole cannot be read, or has more than [`MAX_RECORDS`] records.
pub fn decode(
    body: &[u8],
    encoding: Encoding,
    signal: Signal,
    about: &About<'_>,
) -> Result<Export, WireError> {
    let mut text = String::new();
    let root = match encoding {
        Encoding::Protobuf => Node::Proto(body),
        Encoding::Json => {
            compact(body, &mut text).map_err(|error| WireError::Json(error.to_string()))?;
            let root = JsonValue::new(&text);
            if root.kind() != Kind::Object {
                return Err(WireError::Shape("the request"));
            }
            Node::Json(root)
        }
    };
    let shape = match signal {
        Signal::Logs => Shape::logs(),
        Signal::Traces => Shape::traces(),
    };
    let mut export = Export::default();
    let mut seen: HashMap<[u8; 32], u32> = HashMap::new();
    records(&root, &shape, &mut |origin, node| {
        let made = match signal {
            Signal::Logs => log::event(node, origin, about),
            Signal::Traces => span::event(node, origin, about),
        };
        match made {
            Ok((mut draft, has_time)) => {
                if has_time {
                    draft.id = Some(id(origin.bytes(), node.bytes(), about, &mut seen));
                }
                export.records.push(Record { draft });
            }
            Err(error) => export.refused.push(error),
        }
    })?;
    Ok(export)
}

/// The same for the same bytes, so that a request that is sent again makes the same events. Under the trail's key: nobody can try
/// out what a record said.
fn id(
    origin: [&[u8]; 2],
    record: &[u8],
    about: &About<'_>,
    seen: &mut HashMap<[u8; 32], u32>,
) -> String {
    let mut bytes = b"indelible/otlp/v1\0".to_vec();
    for part in [origin[0], origin[1], record] {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    let digest = about.with.redactor.digest(&bytes);
    // Records of one request that are equal were sent as two.
    let count = seen.entry(digest).or_default();
    *count += 1;
    let name = hex(digest.get(..16).unwrap_or_default());
    match *count {
        1 => format!("otlp-{name}"),
        count => format!("otlp-{name}-{count}"),
    }
}

/// The name of a provider in the table of prices.
fn provider_id(name: &str) -> &str {
    match name {
        "gcp.gemini" | "gcp.gen_ai" | "gemini" | "vertex_ai" | "gcp.vertex_ai" => "gemini",
        "aws.bedrock" | "bedrock" => "bedrock",
        "azure.ai.openai" | "az.ai.openai" => "azure",
        "mistral_ai" => "mistral",
        "x_ai" => "x-ai",
        other => other,
    }
}

#[cfg(test)]
mod tests;
