//! The span of time that a page shows.

use query::TimeRange;

use super::visit::Visit;
use crate::{
    api::selection::instant,
    problem::{Code, Problem},
};

/// A span that is offered by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) name: &'static str,
    /// An age, or empty for everything.
    pub(super) from: &'static str,
}

impl Choice {
    pub(super) const ALL_TIME: Self = Self {
        name: "All time",
        from: "",
    };
}

/// From the shortest to everything, which is what a page without a choice shows: it hides nothing.
pub(super) const CHOICES: [Choice; 8] = [
    Choice {
        name: "Last hour",
        from: "-1h",
    },
    Choice {
        name: "Last 24 hours",
        from: "-24h",
    },
    Choice {
        name: "Last 3 days",
        from: "-3d",
    },
    Choice {
        name: "Last 7 days",
        from: "-7d",
    },
    Choice {
        name: "Last 14 days",
        from: "-14d",
    },
    Choice {
        name: "Last 30 days",
        from: "-30d",
    },
    Choice {
        name: "Last 12 months",
        from: "-365d",
    },
    Choice::ALL_TIME,
];

/// The span of a visit.
#[derive(Clone, Debug)]
pub(super) struct Period {
    /// Microseconds since 1970.
    pub(super) from_us: Option<i64>,
    /// Microseconds since 1970, not included.
    pub(super) to_us: Option<i64>,
    pub(super) label: String,
    /// Why an end that was asked for is not used.
    pub(super) fault: Option<Problem>,
    choice: Option<Choice>,
}

impl Period {
    pub(super) fn of(visit: &Visit) -> Self {
        let (from, to) = (visit.address.get("from"), visit.address.get("to"));
        let mut fault = None;
        let mut end = |name: &'static str, text: Option<&str>| {
            let read = text.map(|text| match visit.clock.local(text) {
                Some(us) => Ok(us),
                None => instant(name, text, visit.clock.now_us()),
            });
            read.transpose().unwrap_or_else(|problem| {
                fault = Some(problem);
                None
            })
        };
        let (from_us, mut to_us) = (end("from", from), end("to", to));
        if let (Some(start), Some(end)) = (from_us, to_us)
            && start > end
        {
            let detail = "the range begins after its end";
            fault = Some(Problem::parameter(Code::InvalidParameter, "from", detail));
            to_us = None;
        }
        let choice = CHOICES
            .into_iter()
            .find(|choice| to.is_none() && from.unwrap_or("") == choice.from);
        let label = choice.map(|choice| choice.name.to_owned());
        Self {
            label: label.unwrap_or_else(|| own_label(visit, from_us, to_us)),
            from_us,
            to_us,
            fault,
            choice,
        }
    }

    pub(super) fn is_choice(&self, choice: Choice) -> bool {
        self.choice == Some(choice)
    }

    pub(super) fn range(&self) -> TimeRange {
        TimeRange {
            from: self.from_us,
            to: self.to_us,
        }
    }

    /// The span of the same length before this one.
    pub(super) fn before(&self, now_us: i64) -> Option<TimeRange> {
        let from = self.from_us?;
        let length = self.to_us.unwrap_or(now_us).checked_sub(from)?;
        Some(TimeRange {
            from: from.checked_sub(length),
            to: Some(from),
        })
    }
}

fn own_label(visit: &Visit, from_us: Option<i64>, to_us: Option<i64>) -> String {
    let clock = &visit.clock;
    match (from_us, to_us) {
        (Some(from), Some(to)) if clock.same_day(from, to.saturating_sub(1)) => {
            format!(
                "{} {} – {}",
                clock.date(from),
                clock.minute(from),
                clock.minute(to)
            )
        }
        (Some(from), Some(to)) => format!(
            "{} – {}",
            clock.date(from),
            clock.date(to.saturating_sub(1))
        ),
        (Some(from), None) => format!("Since {}", clock.date(from)),
        (None, Some(to)) => format!("Until {}", clock.date(to.saturating_sub(1))),
        (None, None) => "All time".to_owned(),
    }
}
