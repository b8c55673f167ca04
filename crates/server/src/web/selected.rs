//! What a page asks the log for, once its address is understood.

use event::filter::{self, Filter, FilterError, TextField};
use query::{Snapshot, TimeRange};

use super::{period::Period, visit::Visit};
use crate::{
    app::App,
    audit::What,
    keys::Scope,
    problem::{Code, Problem},
};

/// Parameters that say where in a list a page begins.
const PLACES: [&str; 2] = ["after", "before"];

/// Filter, time and size of a page.
#[derive(Clone)]
pub(super) struct Selected {
    /// The filter as it was written.
    pub(super) q: String,
    /// The same, understood; everything if it is none.
    pub(super) filter: Filter,
    pub(super) period: Period,
    /// The log as it was at that size.
    pub(super) at: Option<u64>,
    /// Why nothing can be shown.
    pub(super) fault: Option<Fault>,
    /// What the reader may see, and what the page is about: exactly these values.
    locks: Vec<(TextField, String)>,
}

/// Why an address cannot be answered as it is.
#[derive(Clone)]
pub(super) enum Fault {
    Filter(FilterError),
    Other(Problem),
}

impl Selected {
    pub(super) fn of(visit: &Visit) -> Self {
        let q = visit.address.get("q").unwrap_or("").to_owned();
        let period = Period::of(visit);
        let mut fault = period.fault.clone().map(Fault::Other);
        let filter = match filter::parse(&q) {
            Ok(filter) if filter.needs_content() && !visit.has(Scope::Content) => {
                let detail = "the filter looks into contents, which your role may not see";
                fault = Some(Fault::Other(Problem::new(Code::InsufficientScope, detail)));
                Filter::all()
            }
            Ok(filter) => filter,
            Err(error) => {
                fault = Some(Fault::Filter(error));
                Filter::all()
            }
        };
        let at = visit.address.get("at").map(|_| visit.address.number("at"));
        if at == Some(None) {
            let problem = Problem::parameter(Code::InvalidParameter, "at", "not a whole number");
            fault = Some(Fault::Other(problem));
        }
        for place in PLACES {
            if visit.address.get(place).is_some() && visit.address.number(place).is_none() {
                let detail = "no place in this list, which is the number of an event";
                let problem = Problem::parameter(Code::InvalidCursor, place, detail);
                fault = Some(Fault::Other(problem));
            }
        }
        Self {
            q,
            filter,
            period,
            at: at.flatten(),
            fault,
            locks: visit
                .caller
                .project()
                .map(|project| (TextField::Project, project.to_owned()))
                .into_iter()
                .collect(),
        }
    }

    /// The same on a page that is about one value of a field.
    pub(super) fn locked(mut self, field: TextField, value: &str) -> Self {
        self.locks.push((field, value.to_owned()));
        self
    }

    /// The same with nothing but what the reader may see.
    pub(super) fn allowed(&self) -> Filter {
        self.within(self.filter.clone())
    }

    /// Another filter, with nothing but what the reader may see.
    pub(super) fn within(&self, filter: Filter) -> Filter {
        let locks = self.locks.iter();
        locks.fold(filter, |filter, (field, value)| {
            filter.and_equal(*field, value)
        })
    }

    /// This filter and a term of ours, with nothing but what the reader may see.
    pub(super) fn and(&self, term: &str) -> Filter {
        let text = super::narrow::and(&self.filter.to_string(), term);
        // Both were filters before; a text that is too long by now is left as it was.
        self.within(filter::parse(&text).unwrap_or_else(|_| self.filter.clone()))
    }

    pub(super) fn range(&self) -> TimeRange {
        self.period.range()
    }

    /// The snapshot that was asked for.
    pub(super) fn view(&self, newest: Snapshot) -> Result<Snapshot, Problem> {
        match self.at {
            Some(at) => Ok(newest.at(at)?),
            None => Ok(newest),
        }
    }

    /// Notes that the page was read.
    pub(super) fn note(&self, app: &App, visit: &Visit, seqs: impl IntoIterator<Item = u64>) {
        let mut asked = self.filter.clone();
        for (field, value) in self
            .locks
            .iter()
            .filter(|(field, _)| *field != TextField::Project)
        {
            asked = asked.and_equal(*field, value);
        }
        let asked = asked.to_string();
        app.node()
            .audit()
            .note(&visit.caller.key, What::Records, Some(&asked), seqs);
    }
}
