//! Events as agents send them, about 900 bytes each, the same for the same seed.

use std::fmt::Write;

use crate::random::Random;

/// Digits of an id, which is overwritten in place for every sending.
const ID_DIGITS: usize = 16;
const ID_MARK: &str = "\"id\":\"bench-";

/// A body that is sent again and again, each time with new ids.
pub(super) struct Body {
    bytes: Vec<u8>,
    /// Where the ids are.
    ids: Vec<usize>,
}

const TOOLS: [&str; 8] = [
    "read_file",
    "search_code",
    "run_tests",
    "create_issue",
    "list_pods",
    "query_orders",
    "send_mail",
    "fetch_page",
];
const WORDS: [&str; 24] = [
    "order",
    "customer",
    "refund",
    "the",
    "deployment",
    "failed",
    "with",
    "status",
    "because",
    "replica",
    "is",
    "pending",
    "invoice",
    "retry",
    "after",
    "checked",
    "policy",
    "allows",
    "amount",
    "below",
    "limit",
    "region",
    "north",
    "done",
];

fn words(random: &mut Random, count: u64) -> String {
    (0..count)
        .map(|_| random.pick(&WORDS))
        .collect::<Vec<_>>()
        .join(" ")
}

impl Body {
    /// `count` events as NDJSON.
    pub(super) fn new(count: usize, random: &mut Random) -> Self {
        let mut text = String::with_capacity(count * 950);
        for _ in 0..count {
            event(&mut text, random);
            text.push('\n');
        }
        let ids = text
            .match_indices(ID_MARK)
            .map(|(at, mark)| at + mark.len())
            .collect();
        Self {
            bytes: text.into_bytes(),
            ids,
        }
    }

    /// The bytes with ids from `first` on.
    pub(super) fn with_ids(&mut self, first: u64) -> &[u8] {
        for (id, at) in (first..).zip(&self.ids) {
            let digits = format!("{id:0ID_DIGITS$x}");
            if let Some(place) = self.bytes.get_mut(*at..at + ID_DIGITS) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        &self.bytes
    }
}

fn event(out: &mut String, random: &mut Random) {
    let tool = random.pick(&TOOLS);
    let failed = random.below(20) == 0;
    let (agent, job, model) = (
        random.below(40),
        random.below(5_000),
        random.pick(&["large-4", "small-4", "mini-3"]),
    );
    let (input_tokens, output_tokens) = (random.below(20_000), random.below(2_000));
    let _ = write!(
        out,
        "{{{ID_MARK}{:016x}\",\"time\":\"2026-02-{:02}T{:02}:{:02}:{:02}.{:06}Z\",\"duration_us\":{},\"project\":\"shop\",\
         \"job\":\"job-{job:05}\",\"trace\":\"{:016x}{:016x}\",\"actor\":{{\"type\":\"agent\",\"id\":\"agent-{agent}\",\
         \"name\":\"Order agent {agent}\"}},\"initiator\":{{\"type\":\"user\",\"id\":\"user-{}\"}},\"source\":\"mcp\",\
         \"action\":\"tools/call\",\"resource\":{{\"type\":\"tool\",\"id\":\"shop/{tool}\"}},\"result\":\"{}\",\"status\":{},\
         \"approval\":{{\"decision\":\"allowed\",\"approver\":\"auto\",\"rule\":\"allow-{tool}\"}},\
         \"usage\":{{\"provider\":\"example\",\"model\":\"{model}\",\"input_tokens\":{input_tokens},\
         \"output_tokens\":{output_tokens},\"cost_nanousd\":{}}},",
        0,
        1 + random.below(28),
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(1_000_000),
        random.below(3_000_000),
        random.next(),
        random.next(),
        random.below(300),
        if failed { "failure" } else { "success" },
        if failed { 500 } else { 200 },
        input_tokens * 3_000 + output_tokens * 15_000,
    );
    let (order, customer) = (random.below(1_000_000), random.below(90_000));
    let (asked, answered) = (words(random, 12), words(random, 28));
    let _ = write!(
        out,
        "\"input\":{{\"order\":\"o-{order}\",\"customer\":\"c-{customer}\",\"reason\":\"{asked}\"}},\
         \"output\":{{\"state\":\"done\",\"etag\":\"{:016x}\",\"message\":\"{answered}\"}}}}",
        random.next()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_of_the_stated_size_and_ids_are_replaced() {
        let mut body = Body::new(100, &mut Random::new(7));
        let size = body.bytes.len() / 100;
        assert!((800..1_000).contains(&size), "{size}");
        let bytes = body.with_ids(0xabc).to_vec();
        let lines: Vec<serde_json::Value> = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 100);
        assert_eq!(lines[1]["id"], "bench-0000000000000abd");
        assert_eq!(Body::new(100, &mut Random::new(7)).with_ids(0xabc), bytes);
    }
}
