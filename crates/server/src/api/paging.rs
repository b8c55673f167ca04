//! Answers that go on where the one before ended.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event::{Seq, TrailId};
use query::{Asked, Cursor, Engine, Order, Snapshot, TimeRange};

use super::selection::Selection;
use crate::{
    app::read_budget,
    auth::Caller,
    params::{Kind, Param, Params},
    problem::{Code, Problem},
};

pub(super) const CURSOR: Param = Param {
    name: "cursor",
    about: "`next_cursor` of the answer before; without the other parameters it stands for those of that request",
    kind: Kind::Text,
};

/// What a cursor belongs to. With none of them in a request, its cursor brings them.
const CARRIED: &[&str] = &[
    "q", "from", "to", "order", "actor", "action", "source", "resource", "result", "project", "job",
];

/// A selection that is answered in parts.
pub(super) struct Paging {
    trail: TrailId,
    pub(super) selection: Selection,
    from: Option<String>,
    to: Option<String>,
    pub(super) order: Order,
    cursor: Option<String>,
    /// For the next cursor.
    carried: String,
}

/// The part that is asked for now.
pub(super) struct Part {
    /// The view of the first part, with what this one may cost.
    pub(super) view: Snapshot,
    pub(super) range: TimeRange,
    /// Where the part before ended.
    pub(super) after: Option<Seq>,
}

impl Paging {
    /// Reads the parameters; `default` is the order where none is asked for.
    pub(super) fn read(
        params: &mut Params,
        caller: &Caller,
        now_us: i64,
        default: Order,
    ) -> Result<Self, Problem> {
        let mut cursor = params.get("cursor").map(ToOwned::to_owned);
        if let Some(text) = &cursor {
            let (position, carried) = text.split_once('.').unwrap_or((text, ""));
            if CARRIED.iter().all(|name| params.get(name).is_none()) {
                params.extend(unpack(carried)?, CARRIED)?;
            }
            cursor = Some(position.to_owned());
        }
        let order = params.word("order", &[("desc", Order::Newest), ("asc", Order::Oldest)])?;
        Ok(Self {
            trail: caller.trail_id().clone(),
            selection: Selection::read(params, caller, now_us)?,
            from: params.get("from").map(ToOwned::to_owned),
            to: params.get("to").map(ToOwned::to_owned),
            order: order.unwrap_or(default),
            cursor,
            carried: pack(params),
        })
    }

    pub(super) fn part(&self, engine: &Engine) -> Result<Part, Problem> {
        let asked = self.asked();
        let cursor = self.cursor.as_deref();
        let cursor = cursor.map(|text| Cursor::parse(text, &asked)).transpose()?;
        let newest = engine.snapshot()?;
        let view = match &cursor {
            Some(cursor) => newest.at(cursor.size)?,
            None => self.selection.view(newest)?,
        };
        Ok(Part {
            view: view.within(read_budget()),
            range: cursor.map_or(self.selection.range, |cursor| cursor.range),
            after: cursor.map(|cursor| cursor.after),
        })
    }

    /// The cursor of the part that follows on one that ended here, as JSON; `null` behind the last one.
    pub(super) fn next(&self, part: &Part, end: Option<Seq>) -> String {
        let Some(after) = end else {
            return "null".to_owned();
        };
        let cursor = Cursor::new(&self.asked(), part.range, part.view.size(), after);
        format!("\"{}{}\"", cursor.to_text(), self.carried)
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            trail: &self.trail,
            filter: &self.selection.filter,
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            order: self.order,
            at: self.selection.at,
        }
    }
}

/// The carried parameters as the second half of a cursor, with its dot.
fn pack(params: &Params) -> String {
    let pairs: Vec<_> = CARRIED
        .iter()
        .filter_map(|name| Some((*name, params.get(name)?)))
        .collect();
    if pairs.is_empty() {
        return String::new();
    }
    let json = serde_json::to_vec(&pairs).unwrap_or_default();
    format!(".{}", URL_SAFE_NO_PAD.encode(json))
}

fn unpack(carried: &str) -> Result<Vec<(String, String)>, Problem> {
    if carried.is_empty() {
        return Ok(Vec::new());
    }
    let json = URL_SAFE_NO_PAD.decode(carried).ok();
    json.and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| {
            let detail = "the cursor is malformed";
            Problem::parameter(Code::InvalidCursor, "cursor", detail)
        })
}
