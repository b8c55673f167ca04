//! Which events are asked for: the parameters that all readings share.

use axum::response::Response;
use event::filter::{self, Filter, TextField};
use hyper::StatusCode;
use query::{AtError, Snapshot, TimeRange, Zone};

use super::typed;
use crate::{
    app::{App, read_budget},
    audit::What,
    auth::Caller,
    keys::Scope,
    params::{Kind, Param, Params, decimal},
    problem::{Code, Problem},
};

pub(crate) const Q: Param = text("q", "Filter");
pub(crate) const FROM: Param = text(
    "from",
    "Earliest `time`: RFC 3339, or an age such as `-24h`",
);
pub(crate) const TO: Param = text("to", "End of `time`, not included: RFC 3339, or an age");
pub(crate) const TZ: Param = text("tz", "IANA time zone of buckets");
pub(crate) const AT: Param = Param {
    name: "at",
    about: "Tree size: the log as it was at that size",
    kind: Kind::Integer { min: 0, max: None },
};
pub(crate) const ACTOR: Param = text("actor", "Exactly this `actor`");
pub(crate) const ACTION: Param = text("action", "Exactly this `action`");
pub(crate) const SOURCE: Param = text("source", "Exactly this `source`");
pub(crate) const RESOURCE: Param = text("resource", "Exactly this `resource`");
pub(crate) const RESULT: Param = text("result", "Exactly this `result`");
pub(crate) const PROJECT: Param = text("project", "Exactly this `project`");
pub(crate) const JOB: Param = text("job", "Exactly this `job`");

const SHORT_FORMS: [(&str, TextField); 7] = [
    ("actor", TextField::Actor),
    ("action", TextField::Action),
    ("source", TextField::Source),
    ("resource", TextField::Resource),
    ("result", TextField::Result),
    ("project", TextField::Project),
    ("job", TextField::Job),
];

/// What was selected.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The filter with the short forms, for people and for the server's own events.
    pub(crate) asked: String,
    /// The same, and the key's project.
    pub(crate) filter: Filter,
    pub(crate) range: TimeRange,
    pub(crate) at: Option<u64>,
    /// UTC unless one was asked for.
    pub(crate) zone: Zone,
}

const fn text(name: &'static str, about: &'static str) -> Param {
    Param {
        name,
        about,
        kind: Kind::Text,
    }
}

impl Selection {
    /// Reads the parameters; ages count back from `now_us`, microseconds since 1970.
    pub(crate) fn read(params: &Params, caller: &Caller, now_us: i64) -> Result<Self, Problem> {
        let mut filter = filter::parse(params.get("q").unwrap_or(""))?;
        for (name, field) in SHORT_FORMS {
            if let Some(value) = params.get(name) {
                filter = filter.and_equal(field, value);
            }
        }
        if filter.needs_content() && !caller.has(Scope::Content) {
            let detail = "the filter looks into contents: the key needs scope content";
            return Err(Problem::new(Code::InsufficientScope, detail));
        }
        let zone = params.get("tz").map_or(Ok(Zone::UTC), Zone::parse);
        let zone = zone.map_err(|_| {
            let detail = "not the name of a time zone, such as Europe/Berlin";
            Problem::parameter(Code::InvalidParameter, "tz", detail)
        })?;
        let asked = filter.to_string();
        if let Some(project) = caller.project() {
            filter = filter.and_equal(TextField::Project, project);
        }
        Ok(Self {
            asked,
            filter,
            range: range(params, now_us)?,
            at: params.number("at")?,
            zone,
        })
    }

    /// The snapshot that was asked for.
    pub(crate) fn view(&self, newest: Snapshot) -> Result<Snapshot, AtError> {
        match self.at {
            Some(at) => newest.at(at),
            None => Ok(newest),
        }
    }

    /// Answers from the snapshot that was asked for, and notes the read.
    pub(crate) async fn answer(
        self,
        app: &App,
        caller: &Caller,
        make: impl FnOnce(&Self, &Snapshot) -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        let engine = caller.engine(app);
        let asked = self.asked.clone();
        let body = app
            .read(move || {
                let view = self.view(engine.snapshot()?)?;
                make(&self, &view.within(read_budget()))
            })
            .await?;
        app.node()
            .audit()
            .note(&caller.key, What::Records, Some(&asked), []);
        Ok(typed(StatusCode::OK, "application/json", body))
    }
}

fn range(params: &Params, now_us: i64) -> Result<TimeRange, Problem> {
    let end = |name: &'static str| {
        let text = params.get(name);
        text.map(|text| instant(name, text, now_us)).transpose()
    };
    let range = TimeRange {
        from: end("from")?,
        to: end("to")?,
    };
    if let (Some(from), Some(to)) = (range.from, range.to)
        && from > to
    {
        let detail = "`from` is later than `to`";
        return Err(Problem::parameter(Code::InvalidParameter, "from", detail));
    }
    Ok(range)
}

pub(crate) fn instant(name: &'static str, text: &str, now_us: i64) -> Result<i64, Problem> {
    if let Some(age_us) = age(text) {
        return Ok(now_us.saturating_sub(age_us));
    }
    event::instant_micros(text).map_err(|_| {
        let detail = "RFC 3339, such as 2026-01-31T09:00:00Z, or an age, such as -24h";
        let problem = Problem::parameter(Code::InvalidParameter, name, detail);
        match text.split_once(' ') {
            // In a URL, a plus sign is a blank.
            Some((time, zone)) => {
                problem.suggest(format!("write the plus sign as %2B: {time}%2B{zone}"))
            }
            None => problem,
        }
    })
}

/// Microseconds of `-<number><s|m|h|d|w>`.
fn age(text: &str) -> Option<i64> {
    let text = text.strip_prefix('-')?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let number = i64::try_from(decimal(number)?).ok()?;
    number.checked_mul(seconds)?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_back_from_now() {
        assert_eq!(age("-24h"), Some(86_400_000_000));
        assert_eq!(age("-0s"), Some(0));
        for bad in [
            "24h",
            "-h",
            "-",
            "",
            "-1.5h",
            "-1y",
            "--1h",
            "-1é",
            "-99999999999999w",
        ] {
            assert_eq!(age(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_unescaped_plus_sign_gets_a_hint() {
        let problem = instant("from", "2026-01-31T09:00:00 02:00", 0).unwrap_err();
        assert!(format!("{problem:?}").contains("%2B02:00"));
        assert_eq!(
            instant("from", "1970-01-01T00:00:01Z", 0).unwrap(),
            1_000_000
        );
    }
}
