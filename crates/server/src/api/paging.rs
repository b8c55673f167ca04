//! Answers that go on where the one before ended.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event::{Seq, TrailId};
use query::{Asked, Cursor, CursorError, Engine, Order, Snapshot, TimeRange};

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

/// What is answered in parts: a cursor of one is no cursor of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    Events,
    Count,
    Jobs,
    Agents,
}

/// A selection that is answered in parts.
pub(super) struct Paging {
    listing: Listing,
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

impl Listing {
    /// How its cursors begin.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Events => "",
            Self::Count => "count.",
            Self::Jobs => "jobs.",
            Self::Agents => "agents.",
        }
    }

    /// Whose cursor a text would be, and the rest of it.
    fn of_cursor(text: &str) -> (Self, &str) {
        [Self::Count, Self::Jobs, Self::Agents]
            .into_iter()
            .find_map(|listing| Some((listing, text.strip_prefix(listing.prefix())?)))
            .unwrap_or((Self::Events, text))
    }

    /// Reads a cursor of this listing, without parameters.
    pub(super) fn cursor(self, text: &str, asked: &Asked<'_>) -> Result<Cursor, CursorError> {
        let (of, rest) = Self::of_cursor(text);
        let (position, _) = rest.split_once('.').unwrap_or((rest, ""));
        if of == self {
            return Cursor::parse(rest, asked);
        }
        match Cursor::parse(position, asked) {
            Err(CursorError::Malformed) => Err(CursorError::Malformed),
            _ => Err(CursorError::Mismatch),
        }
    }
}

impl Paging {
    /// Reads the parameters; `default` is the order where none is asked for.
    pub(super) fn read(
        listing: Listing,
        params: &mut Params,
        caller: &Caller,
        now_us: i64,
        default: Order,
    ) -> Result<Self, Problem> {
        let mut cursor = params.get("cursor").map(ToOwned::to_owned);
        if let Some(text) = &cursor
            && let (of, rest) = Listing::of_cursor(text)
            && of == listing
        {
            let (position, carried) = rest.split_once('.').unwrap_or((rest, ""));
            if CARRIED.iter().all(|name| params.get(name).is_none()) {
                params.extend(unpack(carried)?, CARRIED)?;
            }
            cursor = Some(format!("{}{position}", listing.prefix()));
        }
        let order = params.word("order", &[("desc", Order::Newest), ("asc", Order::Oldest)])?;
        Ok(Self {
            listing,
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
        let cursor = cursor.map(|text| self.listing.cursor(text, &asked));
        let cursor = cursor.transpose()?;
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
        let prefix = self.listing.prefix();
        format!("\"{prefix}{}{}\"", cursor.to_text(), self.carried)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_one_listing_is_none_of_another() {
        let (trail, filter) = (TrailId::new("main").unwrap(), event::filter::Filter::all());
        let asked = Asked {
            trail: &trail,
            filter: &filter,
            from: None,
            to: None,
            order: Order::Oldest,
            at: None,
        };
        let position = Cursor::new(&asked, TimeRange::ALL, 9, Seq(4)).to_text();
        let listings = [
            Listing::Events,
            Listing::Count,
            Listing::Jobs,
            Listing::Agents,
        ];
        for (of, at) in listings.iter().flat_map(|of| listings.map(|at| (*of, at))) {
            let text = format!("{}{position}", of.prefix());
            let found = at.cursor(&text, &asked).map(|cursor| cursor.after);
            let expected = if of == at {
                Ok(Seq(4))
            } else {
                Err(CursorError::Mismatch)
            };
            assert_eq!(found, expected, "{of:?} at {at:?}");
        }
    }
}
