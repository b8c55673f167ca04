//! What the manifest says of a segment as a whole.

use event::{Micros, RecordView};
use ledger::offline::OfflineTrail;
use store::{Row, Segment, Snapshot};

use super::piece::path;

/// What some records that follow on each other come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Totals {
    /// Record and content bytes.
    raw_bytes: u64,
    /// Of the first and the last record.
    pub(super) recorded_at: [Micros; 2],
    /// Earliest and latest, microseconds since 1970.
    time: [i64; 2],
}

impl Totals {
    pub(super) fn of(row: &Row, view: &RecordView<'_>) -> Self {
        let content = row.content.as_ref().map_or(0, bytes::Bytes::len);
        Self {
            raw_bytes: (row.record.len() + content) as u64,
            recorded_at: [view.recorded_at; 2],
            time: [view.time_us; 2],
        }
    }

    /// With those of the records that follow.
    pub(super) fn and(self, next: Self) -> Self {
        Self {
            raw_bytes: self.raw_bytes + next.raw_bytes,
            recorded_at: [self.recorded_at[0], next.recorded_at[1]],
            time: [
                self.time[0].min(next.time[0]),
                self.time[1].max(next.time[1]),
            ],
        }
    }
}

/// Compares the manifest with its segments, and the segments with their neighbours. `pieces` in order;
/// `None` for one that could not be read.
pub(super) fn check<'a>(
    trail: &OfflineTrail,
    sealed: &Snapshot,
    pieces: impl Iterator<Item = (&'a Segment, Option<Totals>)>,
) -> Vec<String> {
    let mut damage = Vec::new();
    let mut last = Micros(0);
    let mut pieces = pieces.peekable();
    for segment in sealed.segments() {
        let (mut sum, mut is_whole) = (None::<Totals>, true);
        let first = segment.range().start;
        while let Some((_, totals)) = pieces.next_if(|(other, _)| other.range().start == first) {
            let Some(totals) = totals else {
                is_whole = false;
                continue;
            };
            if totals.recorded_at[0] < last {
                let path = path(trail, segment);
                damage.push(format!("{path}: recorded_at decreases between row groups"));
            }
            last = totals.recorded_at[1];
            sum = Some(sum.map_or(totals, |before| before.and(totals)));
        }
        if let Some(sum) = sum.filter(|_| is_whole) {
            let wrong = differences(segment, &sum);
            damage.extend(wrong.map(|wrong| {
                let number = sealed.manifest().number;
                let manifest = trail.dir().join(format!("manifest/{number:020}.json"));
                let name = &segment.info().name;
                format!("{}: segment {name}: {wrong}", manifest.display())
            }));
        }
    }
    damage
}

fn differences(segment: &Segment, sum: &Totals) -> impl Iterator<Item = String> {
    let info = segment.info();
    let differs = |name: &str, stated: String, actual: String| {
        (stated != actual).then(|| format!("{name} is {stated}, its records have {actual}"))
    };
    let recorded_at = sum.recorded_at.map(|at| at.0);
    [
        differs(
            "raw_bytes",
            info.raw_bytes.to_string(),
            sum.raw_bytes.to_string(),
        ),
        differs(
            "recorded_at",
            format!("{:?}", info.recorded_at),
            format!("{recorded_at:?}"),
        ),
        differs(
            "time",
            format!("{:?}", info.time),
            format!("{:?}", sum.time),
        ),
    ]
    .into_iter()
    .flatten()
}
