//! Two weeks of an organisation that does not exist, for a look at the dashboard.
//!
//! Everything is made up, the same for the same seed but for its times, which end now. It goes into a trail of its own
//! that is marked as sample data on every page.

mod calls;
mod jobs;

use std::collections::BTreeMap;

use event::Micros;
use serde_json::{Value, json};

use crate::random::Random;

const SEED: u64 = 7;
const DAYS: u64 = 14;
pub(super) const SECOND_US: u64 = 1_000_000;
const MINUTE_US: u64 = 60 * SECOND_US;
const DAY_US: u64 = 86_400 * SECOND_US;
/// Numbers that one producer gives and never delivers: a gap is a part of what there is to see.
const LOST: std::ops::Range<u64> = 413..420;
const LOSER: &str = "edge-proxy-2";

/// An agent, and who lets it work.
#[derive(Clone, Copy)]
struct Agent {
    id: &'static str,
    project: &'static str,
    asked_by: (&'static str, &'static str),
    producer: &'static str,
    model: Model,
    work: fn(&mut Job<'_>),
    /// Jobs of a working day.
    jobs_a_day: u64,
}

/// A model and what its tokens cost, nano-dollars; none if nobody knows.
#[derive(Clone, Copy)]
struct Model {
    provider: &'static str,
    name: &'static str,
    action: &'static str,
    price: Option<(u64, u64, u64)>,
}

const GPT_5: Model = Model {
    provider: "openai",
    name: "gpt-5",
    action: "responses.create",
    price: Some((1_250, 125, 10_000)),
};
const GPT_5_MINI: Model = Model {
    provider: "openai",
    name: "gpt-5-mini",
    action: "chat.completions",
    price: Some((250, 25, 2_000)),
};
const CLAUDE: Model = Model {
    provider: "anthropic",
    name: "claude-sonnet-4-5",
    action: "messages.create",
    price: Some((3_000, 300, 15_000)),
};
const LLAMA: Model = Model {
    provider: "local",
    name: "llama-3.3-70b",
    action: "chat.completions",
    price: None,
};

const MIRA: (&str, &str) = ("mira", "Mira Sørensen");
const TOMAS: (&str, &str) = ("tomas", "Tomás Ibarra");
const JANA: (&str, &str) = ("jana", "Jana Okafor");

const AGENTS: [Agent; 8] = [
    Agent {
        id: "invoice-reader",
        project: "finance",
        asked_by: JANA,
        producer: "gateway-eu-1",
        model: GPT_5,
        work: jobs::invoices,
        jobs_a_day: 9,
    },
    Agent {
        id: "claims-triage",
        project: "claims",
        asked_by: MIRA,
        producer: "gateway-eu-1",
        model: CLAUDE,
        work: jobs::claims,
        jobs_a_day: 12,
    },
    Agent {
        id: "support-desk",
        project: "support",
        asked_by: TOMAS,
        producer: LOSER,
        model: GPT_5_MINI,
        work: jobs::support,
        jobs_a_day: 14,
    },
    Agent {
        id: "release-captain",
        project: "platform",
        asked_by: MIRA,
        producer: "ci-runner",
        model: GPT_5,
        work: jobs::release,
        jobs_a_day: 1,
    },
    Agent {
        id: "kyc-checker",
        project: "claims",
        asked_by: JANA,
        producer: "gateway-eu-1",
        model: CLAUDE,
        work: jobs::kyc,
        jobs_a_day: 7,
    },
    Agent {
        id: "oncall-aide",
        project: "platform",
        asked_by: TOMAS,
        producer: LOSER,
        model: GPT_5_MINI,
        work: jobs::oncall,
        jobs_a_day: 4,
    },
    Agent {
        id: "dep-updater",
        project: "platform",
        asked_by: MIRA,
        producer: "ci-runner",
        model: GPT_5_MINI,
        work: jobs::dependencies,
        jobs_a_day: 3,
    },
    Agent {
        id: "data-steward",
        project: "data",
        asked_by: JANA,
        producer: "sandbox-host-1",
        model: LLAMA,
        work: jobs::data,
        jobs_a_day: 1,
    },
];

/// One run of an agent while it is made up.
struct Job<'a> {
    agent: &'a Agent,
    id: String,
    random: &'a mut Random,
    numbers: &'a mut BTreeMap<&'static str, u64>,
    /// When its next step begins, microseconds since 1970.
    at_us: u64,
    events: Vec<(u64, Value)>,
}

/// The events as NDJSON, oldest first.
pub(super) fn events(now: Micros) -> Vec<u8> {
    let mut random = Random::new(SEED);
    let mut starts = Vec::new();
    for day in 0..DAYS {
        let midnight = (now.0 / DAY_US - (DAYS - 1 - day)) * DAY_US;
        let is_weekend = matches!((midnight / DAY_US) % 7, 2 | 3);
        for (index, agent) in AGENTS.iter().enumerate() {
            let jobs = if is_weekend {
                agent.jobs_a_day.div_ceil(6)
            } else {
                agent.jobs_a_day
            };
            for _ in 0..jobs {
                starts.push((midnight + working_hour(&mut random), index));
            }
        }
    }
    starts.sort_unstable();
    // The roll-out that the pages of the documentation show is the last whole job.
    starts.retain(|(start, _)| *start < now.0.saturating_sub(50 * MINUTE_US));
    starts.push((now.0.saturating_sub(45 * MINUTE_US), 3));
    let mut numbers = BTreeMap::new();
    let mut events = Vec::new();
    for (start_us, index) in starts {
        let Some(agent) = AGENTS.get(index) else {
            continue;
        };
        let id = format!("job-{:06x}", random.below(1 << 24));
        let mut job = Job {
            agent,
            id,
            random: &mut random,
            numbers: &mut numbers,
            at_us: start_us,
            events: Vec::new(),
        };
        job.run();
        events.append(&mut job.events);
    }
    events.retain(|(time_us, _)| *time_us < now.0);
    events.sort_by_key(|(time_us, _)| *time_us);
    let mut lines = Vec::new();
    for (_, event) in events {
        lines.extend_from_slice(event.to_string().as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// Most work is done by day, some of it at night.
fn working_hour(random: &mut Random) -> u64 {
    let hour = match random.below(10) {
        0 => random.below(24),
        1..5 => 7 + random.below(5),
        _ => 12 + random.below(6),
    };
    hour * 60 * MINUTE_US + random.below(60 * MINUTE_US)
}

impl Job<'_> {
    fn run(&mut self) {
        (self.agent.work)(self);
    }

    /// Time that nothing is recorded in.
    fn think(&mut self, most_s: u64) {
        self.at_us += SECOND_US / 2 + self.random.below(most_s * SECOND_US);
    }

    /// An event of the agent that takes so long; `members` come on top of what every event has.
    fn record(&mut self, source: &str, action: &str, took_us: u64, members: Value) {
        let producer = self.agent.producer;
        let actor = json!({"type": "agent", "id": self.agent.id, "role": "worker"});
        self.record_as(&actor, producer, source, action, took_us, members);
    }

    fn record_as(
        &mut self,
        actor: &Value,
        producer: &'static str,
        source: &str,
        action: &str,
        took_us: u64,
        members: Value,
    ) {
        let number = self.numbers.entry(producer).or_default();
        let seq = *number;
        *number += 1;
        let mut event = json!({
            "id": format!("{producer}-{seq}"),
            "time": Micros(self.at_us).to_string(),
            "project": self.agent.project, "job": self.id,
            "actor": actor,
            "initiator": {"type": "user", "id": self.agent.asked_by.0, "name": self.agent.asked_by.1},
            "source": source, "action": action,
            "producer": {"id": producer, "seq": seq},
        });
        if let (Some(event), Value::Object(members)) = (event.as_object_mut(), members) {
            if took_us > 0 {
                event.insert("duration_us".to_owned(), took_us.into());
            }
            for (name, value) in members {
                match (event.get_mut(&name), value) {
                    (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                    (_, value) => {
                        event.insert(name, value);
                    }
                }
            }
        }
        if producer != LOSER || !LOST.contains(&seq) {
            self.events.push((self.at_us, event));
        }
        self.at_us += took_us;
    }
}

#[cfg(test)]
mod tests {
    use event::{Batch, BatchFormat, DedupKey, Limits, Submitter};

    use super::*;

    const NOW: Micros = Micros(1_795_095_271_000_000);

    #[test]
    fn every_event_is_one_that_a_producer_may_send_and_the_past_is_where_they_are() {
        let lines = events(NOW);
        let batch = Batch::read(&lines, BatchFormat::Ndjson, 100_000).unwrap();
        assert!(batch.len() > 3_000, "{}", batch.len());
        let by = Submitter::default();
        for event in batch.events() {
            let event = event.unwrap();
            if let Err(reject) = event.prepare(&by, &DedupKey::new(&[0; 32]), &Limits::default()) {
                panic!("{reject:?}");
            }
        }
        assert_eq!(events(NOW), lines);
    }

    #[test]
    fn one_producer_has_a_gap_and_the_others_count_without_one() {
        let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for line in events(NOW)
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let event: Value = serde_json::from_slice(line).unwrap();
            let producer = &event["producer"];
            seen.entry(producer["id"].as_str().unwrap().to_owned())
                .or_default()
                .push(producer["seq"].as_u64().unwrap());
        }
        for (producer, mut numbers) in seen {
            numbers.sort_unstable();
            let missing: Vec<u64> = (0..=*numbers.last().unwrap())
                .filter(|number| numbers.binary_search(number).is_err())
                .collect();
            let expected: Vec<u64> = if producer == LOSER {
                LOST.collect()
            } else {
                Vec::new()
            };
            assert_eq!(missing, expected, "{producer}");
        }
    }
}
