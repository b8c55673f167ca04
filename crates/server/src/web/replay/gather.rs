//! What the page of a replay shows, from one snapshot.

use event::{RecordView, Seq, filter, json::Value};
use query::{Event, Order, Query, Snapshot, TimeRange};

use crate::{
    keys::Scope,
    problem::Problem,
    web::{
        content,
        events::{Row, read_rows},
        job::{Step, steps},
        jobs::Head,
        narrow,
        proof::Checks,
        selected::Selected,
        visit::Visit,
    },
};

/// How far back a panel's step is looked for.
const BACK: usize = 400;

/// What is asked.
pub(super) struct Asked {
    pub(super) selected: Selected,
    pub(super) id: String,
    /// From 1.
    pub(super) step: Option<u64>,
    /// The step of this event.
    pub(super) event: Option<u64>,
}

/// What is found.
pub(super) struct Found {
    pub(super) title: String,
    pub(super) steps: Vec<Step>,
    /// The current step.
    pub(super) at: usize,
    pub(super) event: Event,
    pub(super) checks: Checks,
    /// The state as of the current step, oldest first.
    pub(super) panels: Vec<Panel>,
    /// Other records of the same call.
    pub(super) linked: Vec<Row>,
    pub(super) sees_content: bool,
}

/// What was last seen of a kind.
pub(super) struct Panel {
    pub(super) kind: Kind,
    pub(super) at: usize,
    pub(super) event: Event,
}

/// What a step shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Conversation,
    Terminal,
    Exchange,
    Other,
}

impl Kind {
    fn of(source: &str) -> Self {
        match source {
            "llm" => Self::Conversation,
            "shell" | "sandbox" => Self::Terminal,
            "forward-proxy" | "kubernetes" | "aws" => Self::Exchange,
            _ => Self::Other,
        }
    }
}

impl Asked {
    pub(super) fn answer(&self, visit: &Visit, newest: Snapshot) -> Result<Option<Found>, Problem> {
        let view = self.selected.view(newest)?;
        let all = self.selected.within(filter::Filter::all());
        let Some(summary) = view.job(all, TimeRange::ALL, &self.id)? else {
            return Ok(None);
        };
        let steps = steps(&self.selected, &view)?;
        let by_event = self
            .event
            .and_then(|seq| steps.iter().position(|step| step.seq == seq));
        let by_number = self
            .step
            .and_then(|step| usize::try_from(step).ok()?.checked_sub(1));
        let at = by_event
            .or(by_number)
            .unwrap_or(0)
            .min(steps.len().saturating_sub(1));
        let Some(event) = steps
            .get(at)
            .map(|step| view.get(Seq(step.seq)))
            .transpose()?
            .flatten()
        else {
            return Ok(None);
        };
        let sees_content = visit.has(Scope::Content);
        Ok(Some(Found {
            title: Head::read(&view, &summary)?.title,
            checks: Checks::of(visit, &view, &event, sees_content)?,
            panels: panels(&view, &steps, at, &event)?,
            linked: self.linked(&view, &event)?,
            steps,
            at,
            event,
            sees_content,
        }))
    }

    /// Records with the same call: the begin of an end, or what another surface says of it.
    fn linked(&self, view: &Snapshot, event: &Event) -> Result<Vec<Row>, Problem> {
        let record = RecordView::parse(&event.record).map_err(|error| Problem::internal(&error))?;
        let Some(call) = record.producer.and_then(|producer| producer.call) else {
            return Ok(Vec::new());
        };
        let term = narrow::term(filter::TextField::Call, &call);
        let page = view.page(
            &Query {
                filter: self.selected.within(filter::parse(&term)?),
                range: TimeRange::ALL,
                order: Order::Oldest,
                limit: 10,
            },
            None,
        )?;
        let others: Vec<_> = page
            .rows
            .into_iter()
            .filter(|row| row.seq != event.seq)
            .collect();
        read_rows(&self.selected, view, &others)
    }
}

/// The newest step of each kind up to the current one, which is always there.
fn panels(
    view: &Snapshot,
    steps: &[Step],
    at: usize,
    current: &Event,
) -> Result<Vec<Panel>, Problem> {
    let mut panels = vec![Panel {
        kind: steps
            .get(at)
            .map_or(Kind::Other, |step| Kind::of(&step.source)),
        at,
        event: current.clone(),
    }];
    let before = steps.iter().enumerate().take(at).rev().take(BACK);
    for (index, step) in before {
        let kind = Kind::of(&step.source);
        if kind == Kind::Other || panels.iter().any(|panel| panel.kind == kind) {
            continue;
        }
        if let Some(event) = view
            .get(Seq(step.seq))?
            .filter(|event| event.content.is_some())
        {
            panels.push(Panel {
                kind,
                at: index,
                event,
            });
        }
        if panels.len() == 4 {
            break;
        }
    }
    panels.sort_by_key(|panel| {
        (
            panel.kind != Kind::Conversation,
            panel.kind != Kind::Terminal,
            panel.at,
        )
    });
    Ok(panels)
}

impl Panel {
    pub(super) fn content(&self) -> Value<'_> {
        let bytes = self.event.content.as_deref().unwrap_or_default();
        Value::new(std::str::from_utf8(bytes).unwrap_or(""))
    }

    /// The address of a recording of a terminal.
    pub(super) fn recording(&self) -> Option<String> {
        let recording = content::member(self.content(), "recording")?;
        recording.text()?;
        Some(format!("/events/{}/content/recording", self.event.seq))
    }
}

impl Found {
    /// Events whose content is on the page.
    pub(super) fn contents_read(&self) -> Vec<u64> {
        let shown = self
            .panels
            .iter()
            .filter(|panel| self.sees_content && panel.event.content.is_some());
        shown.map(|panel| panel.event.seq.0).collect()
    }

    pub(super) fn has_recording(&self) -> bool {
        self.sees_content && self.panels.iter().any(|panel| panel.recording().is_some())
    }
}
