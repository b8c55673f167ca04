use std::{collections::BTreeMap, path::Path, sync::Arc};

use event::{Micros, RecordView, Seq};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{Cuboid, Labels, Measure, Plan, Rollup, Span, build, build::Built, to_bytes};
use crate::{column::Column, columns::Columns, error::StoreError, source::Source};

const START: i64 = 1_767_225_600;

#[derive(Clone, Debug)]
struct Event {
    second: i64,
    source: &'static str,
    action: u8,
    result: Option<&'static str>,
    job: Option<u16>,
    project: Option<&'static str>,
    status: Option<i64>,
    usage: Option<(Option<i64>, Option<i64>)>,
    decision: Option<&'static str>,
    duration: Option<i64>,
}

impl Event {
    fn record(&self, seq: usize) -> String {
        let at = Micros(u64::try_from((START + self.second) * 1_000_000 + 7).unwrap());
        let text = |name: &str, value: Option<String>| {
            value.map_or(String::new(), |value| format!(",\"{name}\":{value}"))
        };
        let quoted = |value: Option<&'static str>| value.map(|value| format!("\"{value}\""));
        let usage = self.usage.map(|(tokens, cost)| {
            let members = [
                tokens.map(|tokens| format!("\"input_tokens\":{tokens}")),
                cost.map(|cost| format!("\"cost_nanousd\":{cost}")),
            ];
            let members: Vec<String> = members.into_iter().flatten().collect();
            format!("{{{}}}", members.join(","))
        });
        format!(
            "{{\"v\":1,\"id\":\"e{seq}\",\"seq\":{seq},\"recorded_at\":\"{at}\",\"time\":\"{at}\"{}{}{},\
             \"actor\":{{\"type\":\"agent\",\"id\":\"a{}\"}},\"source\":\"{}\",\"action\":\"act-{}\"{}{}{}{}}}",
            text(
                "duration_us",
                self.duration.map(|duration| duration.to_string())
            ),
            text("project", quoted(self.project)),
            text("job", self.job.map(|job| format!("\"job-{job}\""))),
            self.action % 3,
            self.source,
            self.action,
            text("result", quoted(self.result)),
            text("status", self.status.map(|status| status.to_string())),
            text(
                "approval",
                self.decision
                    .map(|decision| format!("{{\"decision\":\"{decision}\"}}"))
            ),
            text("usage", usage),
        )
    }
}

fn event() -> impl Strategy<Value = Event> {
    let usage = (option::of(-5..9_000_i64), option::of(0..4_000_000_i64));
    (
        prop_oneof![19 => 0..9_000_i64, 1 => -400_000_000..400_000_000_i64],
        select(vec!["mcp", "llm", "shell"]),
        0..5_u8,
        option::of(select(vec!["success", "failure", "error"])),
        option::of(0..400_u16),
        option::of(select(vec!["p1", "p\u{e9}"])),
        option::of(select(vec![200_i64, 404, -7])),
        option::of(usage),
        option::of(select(vec!["allowed", "denied"])),
        option::of(-1..900_i64),
    )
        .prop_map(
            |(second, source, action, result, job, project, status, usage, decision, duration)| {
                Event {
                    second,
                    source,
                    action,
                    result,
                    job,
                    project,
                    status,
                    usage,
                    decision,
                    duration,
                }
            },
        )
}

fn columns(records: &[String], first: usize) -> Arc<Columns> {
    let events = records
        .iter()
        .zip(first..)
        .map(|(record, seq)| (Seq(seq as u64), Micros(seq as u64), record.as_bytes()));
    Arc::new(Columns::collect(events))
}

fn groups(records: &[String], cuts: &[usize]) -> Vec<Arc<Columns>> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (records.len() + 1)).collect();
    ends.push(records.len());
    ends.sort_unstable();
    let mut first = 0;
    let mut groups = Vec::new();
    for end in ends {
        if first < end {
            groups.push(columns(&records[first..end], first));
            first = end;
        }
    }
    groups
}

fn value(view: &RecordView<'_>, column: Column) -> Option<String> {
    let text = match column {
        Column::Source => Some(&view.source),
        Column::Result => view.result.as_ref(),
        Column::ActorType => Some(&view.actor.kind),
        Column::Actor => Some(&view.actor.id),
        Column::Action => Some(&view.action),
        Column::Project => view.project.as_ref(),
        Column::Job => view.job.as_ref(),
        Column::Status => return view.status.map(|status| status.to_string()),
        _ => None,
    };
    text.map(ToString::to_string)
}

fn numbers(view: &RecordView<'_>) -> [i64; 12] {
    let usage = view.usage.as_ref();
    let is_failure = matches!(view.result.as_deref(), Some("failure" | "error"));
    let approval = view.approval.as_ref();
    [
        1,
        is_failure.into(),
        usage
            .is_some_and(|usage| usage.cost_nanousd.is_none())
            .into(),
        usage.and_then(|usage| usage.input_tokens).unwrap_or(0),
        0,
        0,
        0,
        0,
        usage.and_then(|usage| usage.cost_nanousd).unwrap_or(0),
        view.duration_us.unwrap_or(0),
        approval.is_some().into(),
        approval
            .is_some_and(|approval| approval.decision.as_deref() == Some("denied"))
            .into(),
    ]
}

type Cells = BTreeMap<(Option<i64>, Vec<Option<String>>), ([i64; 12], Span)>;

fn expected(records: &[String], plan: &Plan, unit_us: i64) -> Cells {
    let mut cells = Cells::new();
    for (row, record) in (0..).zip(records) {
        let view = RecordView::parse(record.as_bytes()).unwrap();
        let start = plan
            .has_time
            .then(|| view.time_us.div_euclid(unit_us) * unit_us);
        let values = plan
            .dimensions
            .iter()
            .map(|column| value(&view, *column))
            .collect();
        let own = Span {
            rows: [row; 2],
            time: [view.time_us; 2],
        };
        let (sums, span) = cells.entry((start, values)).or_insert(([0; 12], own));
        *span = span.join(own);
        for (sum, number) in sums.iter_mut().zip(numbers(&view)) {
            *sum += number;
        }
    }
    cells
}

fn actual(cuboid: &Cuboid, plan: &Plan) -> Cells {
    let label = |dimension: usize, cell: usize| {
        let code = cuboid.codes(dimension)[cell];
        match cuboid.labels(dimension).unwrap() {
            labels @ Labels::Texts(..) => labels.text(code).map(str::to_owned),
            labels @ Labels::Numbers(_) => labels.number(code).map(|number| number.to_string()),
        }
    };
    let cell = |cell: usize| {
        let values = (0..plan.dimensions.len()).map(|dimension| label(dimension, cell));
        let sums = Measure::ALL.map(|measure| cuboid.sums(measure).get(cell).copied().unwrap_or(0));
        let start = cuboid.starts().get(cell).copied();
        let none = Span {
            rows: [0; 2],
            time: [0; 2],
        };
        let span = cuboid.spans().get(cell).copied().unwrap_or(none);
        ((start, values.collect()), (sums, span))
    };
    (0..cuboid.cells()).map(cell).collect()
}

fn check(built: &Built, records: &[String]) {
    for (plan, cuboid) in &built.cuboids {
        let mut expected = expected(records, plan, built.unit_us);
        if !plan.has_spans {
            for (_, span) in expected.values_mut() {
                *span = Span {
                    rows: [0; 2],
                    time: [0; 2],
                };
            }
        }
        let actual = actual(cuboid, plan);
        assert_eq!(actual.len(), cuboid.cells(), "{plan:?}: a cell twice");
        assert_eq!(actual, expected, "{plan:?}");
        assert!(cuboid.starts().is_sorted());
    }
}

fn open(bytes: Vec<u8>, rows: usize) -> Result<Option<Rollup>, StoreError> {
    Rollup::open(Source::memory(bytes, Path::new("t.rollup")), rows as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sums_are_those_of_the_rows(
        events in vec(event(), 1..700),
        cuts in vec(any::<usize>(), 0..3),
        bits in vec(any::<prop::sample::Index>(), 20),
    ) {
        let records: Vec<String> = events.iter().zip(0..).map(|(event, seq)| event.record(seq)).collect();
        let built = build(&groups(&records, &cuts));
        prop_assert!(built.cuboids.iter().any(|(plan, _)| plan.dimensions == [Column::Source]));
        check(&built, &records);
        prop_assert_eq!(&build(&groups(&records, &[])), &built);

        let bytes = to_bytes(&built).unwrap();
        let rollup = open(bytes.clone(), records.len()).unwrap().unwrap();
        prop_assert_eq!(rollup.unit_us(), built.unit_us);
        rollup.check().unwrap();
        for (number, (shape, (plan, cuboid))) in rollup.shapes().zip(&built.cuboids).enumerate() {
            prop_assert_eq!(&shape.dimensions[..], plan.dimensions);
            prop_assert_eq!(&rollup.cuboid(number).unwrap(), cuboid);
        }
        prop_assert_eq!(rollup.shapes().count(), built.cuboids.len());
        for bit in bits {
            let bit = bit.index(bytes.len() * 8);
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let found = open(changed, records.len()).and_then(|rollup| rollup.map_or(Ok(()), |rollup| rollup.check()));
            let is_damage = matches!(found, Err(StoreError::Damaged { .. }));
            prop_assert!(is_damage, "bit {}", bit);
            prop_assert!(open(bytes[..bit / 8].to_vec(), records.len()).is_err());
        }
        prop_assert!(open(bytes, records.len() + 1).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, has_time: bool, has_spans: bool, is_text: bool) {
        let form = super::codec::Form { is_text: &[is_text, true], has_time, has_spans, rows: 9 };
        if let Some(cuboid) = super::codec::read(&bytes, form) {
            let mut again = Vec::new();
            super::codec::write(&cuboid, &mut again);
            prop_assert_eq!(super::codec::read(&again, form), Some(cuboid));
        }
    }
}

#[test]
fn sums_that_could_overflow_are_not_kept() {
    let record = |seq: usize| {
        Event {
            second: 0,
            source: "llm",
            action: 0,
            result: None,
            job: None,
            project: None,
            status: None,
            usage: Some((Some(i64::MAX), None)),
            decision: None,
            duration: None,
        }
        .record(seq)
    };
    let records: Vec<String> = (0..2).map(record).collect();
    assert_eq!(build(&[columns(&records, 0)]).cuboids, []);
    assert!(!build(&[columns(&records[..1], 0)]).cuboids.is_empty());
    let bytes = to_bytes(&build(&[columns(&records, 0)])).unwrap();
    assert_eq!(open(bytes, 2).unwrap().unwrap().shapes().count(), 0);
}
