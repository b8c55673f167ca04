//! Figures for Prometheus. They need no key, so they name no trail, no key and no project.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::node::Node;

/// Bounds of the durations, seconds.
const DURATIONS: [f64; 11] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// Counts of what became of events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) recorded: u64,
    pub(crate) duplicates: u64,
    pub(crate) rejected: u64,
}

/// The figures of one server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    events: Family<OutcomeLabels, Counter>,
    healthy: Gauge,
    trails: Gauge,
    held_bytes: Gauge,
    seal_failures: Gauge<u64, AtomicU64>,
    merge_failures: Gauge<u64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("indelible");
        let new_histogram: fn() -> Histogram = || Histogram::new(DURATIONS);
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(new_histogram),
            events: Family::default(),
            healthy: Gauge::default(),
            trails: Gauge::default(),
            held_bytes: Gauge::default(),
            seal_failures: Gauge::default(),
            merge_failures: Gauge::default(),
            registry: Registry::default(),
        };
        let Self {
            requests,
            durations,
            events,
            healthy,
            trails,
            held_bytes,
            seal_failures,
            merge_failures,
            ..
        } = &metrics;
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time until the answer's head",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register("events", "Events submitted, by outcome", events.clone());
        registry.register(
            "log_healthy",
            "1 while the log accepts events",
            healthy.clone(),
        );
        registry.register("trails", "Trails of the node", trails.clone());
        registry.register_with_unit(
            "held",
            "Queued and unsealed events in memory",
            Unit::Bytes,
            held_bytes.clone(),
        );
        registry.register(
            "seal_failures",
            "Failures in a row of making segments",
            seal_failures.clone(),
        );
        registry.register(
            "merge_failures",
            "Failures in a row of merging segments",
            merge_failures.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    pub(crate) fn answered(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        seconds: f64,
    ) {
        let labels = RequestLabels {
            method,
            route,
            status,
        };
        self.requests.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&RouteLabels { route })
            .observe(seconds);
    }

    pub(crate) fn submitted(&self, outcomes: Outcomes) {
        for (outcome, count) in [
            ("recorded", outcomes.recorded),
            ("duplicate", outcomes.duplicates),
            ("rejected", outcomes.rejected),
        ] {
            if count > 0 {
                self.events
                    .get_or_create(&OutcomeLabels { outcome })
                    .inc_by(count);
            }
        }
    }

    /// The `OpenMetrics` text.
    pub(crate) fn to_text(&self, node: &Node) -> String {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.healthy.set(i64::from(node.ledger().is_healthy()));
        self.trails.set(count(node.ledger().trails().len()));
        self.held_bytes.set(count(node.ledger().held_bytes()));
        if let Some(health) = node.sealer_health() {
            self.seal_failures.set(health.sealing_failures.into());
            self.merge_failures.set(health.merging_failures.into());
        }
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
