use event::{Micros, RecordView, Seq};
use indelible_store::{Column, Columns, Kind, Segment};

use crate::{open, sample, trail};

type TextOf = fn(&RecordView<'_>) -> Option<String>;
type IntOf = fn(&RecordView<'_>) -> Option<i64>;

const TEXTS: [(Column, TextOf); 9] = [
    (Column::Id, |view| Some(view.id.to_string())),
    (Column::Actor, |view| Some(view.actor.id.to_string())),
    (Column::Source, |view| Some(view.source.to_string())),
    (Column::Project, |view| {
        view.project.as_deref().map(str::to_owned)
    }),
    (Column::Span, |view| view.span.as_deref().map(str::to_owned)),
    (Column::Resource, |view| {
        view.resource.as_ref()?.id.as_deref().map(str::to_owned)
    }),
    (Column::Rule, |view| {
        view.approval.as_ref()?.rule.as_deref().map(str::to_owned)
    }),
    (Column::Model, |view| {
        view.usage.as_ref()?.model.as_deref().map(str::to_owned)
    }),
    (Column::Description, |view| {
        view.description.as_deref().map(str::to_owned)
    }),
];

const INTS: [(Column, IntOf); 8] = [
    (Column::Seq, |view| i64::try_from(view.seq.0).ok()),
    (Column::RecordedAt, |view| {
        i64::try_from(view.recorded_at.0).ok()
    }),
    (Column::Time, |view| Some(view.time_us)),
    (Column::DurationUs, |view| view.duration_us),
    (Column::Status, |view| view.status),
    (Column::CostNanousd, |view| {
        view.usage.as_ref()?.cost_nanousd
    }),
    (Column::HasUsage, |view| Some(view.usage.is_some().into())),
    (Column::HasApproval, |view| {
        Some(view.approval.is_some().into())
    }),
];

fn check(segment: &Segment, samples: &[sample::Sample]) {
    for (index, group) in segment.groups().unwrap().iter().enumerate() {
        let views: Vec<RecordView<'_>> = (group.first..group.end)
            .map(|seq| RecordView::parse(&samples[seq as usize].record).unwrap())
            .collect();
        for (column, text_of) in TEXTS {
            let texts = segment.texts(index, column).unwrap().unwrap();
            assert_eq!(texts.rows(), views.len());
            for (row, view) in views.iter().enumerate() {
                let expected = text_of(view);
                assert_eq!(
                    texts.get(row),
                    expected.as_deref(),
                    "{column:?} of row {row}"
                );
                let null = i64::try_from(texts.len()).unwrap();
                let is_null = texts.codes().get(row) == Some(null);
                assert_eq!(is_null, expected.is_none());
            }
        }
        for (column, int_of) in INTS {
            let ints = segment.ints(index, column).unwrap().unwrap();
            assert_eq!(ints.rows(), views.len());
            for (row, view) in views.iter().enumerate() {
                assert_eq!(ints.get(row), int_of(view), "{column:?} of row {row}");
            }
        }
        let times = views.iter().map(|view| view.time_us);
        assert_eq!(Some(group.time[0]), times.clone().min());
        assert_eq!(Some(group.time[1]), times.max());
    }
}

#[test]
fn columns_hold_what_the_records_say() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let samples = sample::samples(1, 0, 8 * 40);
    for part in samples.chunks(40) {
        segments.seal(&trail(), &sample::rows(part)).unwrap();
    }
    let before = segments.snapshot(&trail()).unwrap();
    before
        .segments()
        .iter()
        .for_each(|segment| check(segment, &samples));
    segments.compact(&trail(), &|| false).unwrap();
    let after = segments.snapshot(&trail()).unwrap();
    check(&after.segments()[0], &samples);
}

#[test]
fn a_dictionary_that_grows_too_large_gives_way_to_plain_values() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let mut samples = sample::samples(2, 0, 3_000);
    for sample in &mut samples {
        // Names of 700 bytes overflow a dictionary of 1 MiB half-way.
        let name = format!(r#""source":"app","action":"{:0700}","#, sample.seq % 2_500);
        let record = String::from_utf8(std::mem::take(&mut sample.record)).unwrap();
        let (head, rest) = record.split_once(r#""source":"#).unwrap();
        let (_, tail) = rest.split_once(r#""resource":"#).unwrap();
        sample.record = format!(r#"{head}{name}"resource":{tail}"#).into_bytes();
    }
    let snapshot = segments.seal(&trail(), &sample::rows(&samples)).unwrap();
    let texts = snapshot.segments()[0]
        .texts(0, Column::Action)
        .unwrap()
        .unwrap();
    for sample in &samples {
        let view = RecordView::parse(&sample.record).unwrap();
        assert_eq!(texts.get(sample.seq as usize), Some(view.action.as_ref()));
    }
}

#[test]
fn columns_are_read_as_their_kind_only() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let samples = sample::samples(3, 0, 5);
    let snapshot = segments.seal(&trail(), &sample::rows(&samples)).unwrap();
    let segment = &snapshot.segments()[0];
    for column in Column::ALL {
        assert_eq!(
            segment.ints(0, column).unwrap().is_some(),
            matches!(column.kind(), Kind::Int | Kind::Flag)
        );
        assert_eq!(
            segment.texts(0, column).unwrap().is_some(),
            column.kind() == Kind::Text
        );
    }
    assert!(segment.ints(1, Column::Seq).is_err());
}

#[test]
fn a_record_that_cannot_be_read_keeps_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let mut samples = sample::samples(4, 0, 3);
    samples[1].record = b"{\"v\":2}".to_vec();
    let snapshot = segments.seal(&trail(), &sample::rows(&samples)).unwrap();
    let segment = &snapshot.segments()[0];
    assert_eq!(segment.record(1).unwrap(), samples[1].record);
    assert_eq!(
        segment.texts(0, Column::Action).unwrap().unwrap().get(1),
        None
    );
    let time = segment.ints(0, Column::Time).unwrap().unwrap().get(1);
    assert_eq!(time, i64::try_from(samples[1].recorded_at).ok());
}

#[test]
fn columns_of_unsealed_events_are_those_of_sealed_ones() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let mut samples = sample::samples(5, 0, 500);
    samples[7].record = b"{}".to_vec();
    let snapshot = segments.seal(&trail(), &sample::rows(&samples)).unwrap();
    let segment = &snapshot.segments()[0];
    let events = samples.iter().map(|sample| {
        let at = Micros(sample.recorded_at);
        (Seq(sample.seq), at, sample.record.as_slice())
    });
    let columns = Columns::collect(events);
    assert_eq!(columns.rows(), samples.len());
    assert_eq!(columns.time(), segment.info().time);
    for column in Column::ALL {
        let ints = segment.ints(0, column).unwrap();
        assert_eq!(columns.ints(column), ints.as_ref(), "{column:?}");
        let sealed = segment.texts(0, column).unwrap();
        let texts = columns.texts(column);
        assert_eq!(texts.is_some(), sealed.is_some(), "{column:?}");
        for row in 0..samples.len() {
            let value = texts.and_then(|texts| texts.get(row));
            assert_eq!(value, sealed.as_ref().and_then(|texts| texts.get(row)));
        }
    }
}
