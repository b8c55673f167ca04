//! Buckets of any time zone, each event in the one that its clock says.

use std::collections::BTreeMap;

use event::{Micros, RecordView};
use indelible_query::{
    AggregateError, Dimension, Event, Figure, Interval, MAX_BUCKETS, Series, SeriesQuery,
    TimeRange, Zone,
};
use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    figures::{by, fill, matching, parse, rows},
    generate,
    node::Node,
};

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Chatham",
];

const SHIFTS: [&str; 8] = [
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-03-08T07:00:00Z",
    "2026-11-01T06:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    // Kathmandu's quarter of an hour, and a year without shifts.
    "1985-12-31T18:30:00Z",
    "2024-02-29T12:00:00Z",
];

fn micros(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_microsecond()
}

/// Instants around a shift of some clock, minutes apart or on full ones.
pub(crate) fn around(shift: &'static str) -> impl Strategy<Value = i64> {
    let near = prop_oneof![-200..200_i64, -2000..2000_i64];
    (near, select(vec![0, 1, 59_999_999, -1]))
        .prop_map(move |(minutes, micros_more)| micros(shift) + minutes * 60_000_000 + micros_more)
}

#[derive(Clone, Debug)]
pub(crate) struct Question {
    filter: String,
    from: Option<i64>,
    to: Option<i64>,
    by: Vec<Dimension>,
    interval: Interval,
    zone: &'static str,
}

pub(crate) fn question(shift: &'static str) -> impl Strategy<Value = Question> {
    let end = || proptest::option::of(around(shift));
    let filter = prop_oneof![Just(String::new()), generate::filter()];
    (
        filter,
        end(),
        end(),
        by(),
        select(&Interval::ALL[..]),
        select(&ZONES[..]),
    )
        .prop_map(|(filter, from, to, by, interval, zone)| Question {
            filter,
            from,
            to,
            by,
            interval,
            zone,
        })
}

fn at(zone: &TimeZone, instant: i64) -> Zoned {
    Timestamp::from_microsecond(instant)
        .unwrap()
        .to_zoned(zone.clone())
}

fn monday(date: Date) -> Date {
    date.series(jiff::ToSpan::days(-1))
        .find(|date| date.weekday() == jiff::civil::Weekday::Monday)
        .unwrap()
}

/// The start of the bucket that an instant is in, found from the instant itself.
fn start_of(instant: i64, interval: Interval, zone: &TimeZone) -> i64 {
    let clock = at(zone, instant);
    let first_of = |date: Date| {
        let midnight = date.to_zoned(zone.clone()).unwrap();
        midnight.timestamp().as_microsecond()
    };
    let width_s = match interval {
        Interval::Day => return first_of(clock.date()),
        Interval::Week => return first_of(monday(clock.date())),
        Interval::Hour => 3600,
        Interval::Minute => 60,
    };
    let width = width_s * 1_000_000;
    let offset = i64::from(clock.offset().seconds()) * 1_000_000;
    let full = instant - (instant + offset).rem_euclid(width);
    let shift = zone.preceding(at(zone, instant + 1).timestamp()).next();
    let shift = shift.map(|shift| shift.timestamp().as_microsecond());
    let Some(shift) = shift.filter(|shift| *shift > full) else {
        return full;
    };
    let before = at(zone, shift - 1).offset().seconds();
    if (clock.offset().seconds() - before) % i32::try_from(width_s).unwrap() == 0 {
        full
    } else {
        shift
    }
}

/// Buckets follow one on the other, and each start is its own.
fn check_starts(series: &Series, question: &Question, zone: &TimeZone) {
    let starts: Vec<i64> = series
        .buckets
        .iter()
        .map(|bucket| bucket.start_us)
        .collect();
    for bucket in &series.buckets {
        let start = bucket.start_us;
        assert_eq!(
            start_of(start, question.interval, zone),
            start,
            "{question:?}"
        );
        assert_eq!(micros(&bucket.start), start);
        let offset = at(zone, start).offset().to_string();
        let offset = if offset.contains(':') {
            offset
        } else {
            format!("{offset}:00")
        };
        assert!(bucket.start.ends_with(&offset), "{} {offset}", bucket.start);
    }
    for pair in starts.windows(2) {
        assert_eq!(
            start_of(pair[1] - 1, question.interval, zone),
            pair[0],
            "{question:?}"
        );
    }
}

pub(crate) fn check(node: &Node, all: &[Event], question: &Question) {
    let zone = TimeZone::get(question.zone).unwrap();
    let filter = parse(&question.filter);
    let range = TimeRange {
        from: question.from,
        to: question.to,
    };
    let size = all.len() as u64;
    let records = matching(all, &filter, range, size);
    let query = SeriesQuery {
        filter,
        range,
        interval: question.interval,
        zone: Zone::parse(question.zone).unwrap(),
        by: question.by.clone(),
    };
    let times = || records.iter().map(|record| record.time_us);
    let first = range.from.or(times().min());
    let last = range.to.map(|to| to - 1).or(times().max());
    let view = node.engine.snapshot().unwrap();
    let hours = (last.unwrap_or(0) - first.unwrap_or(0)) / 3_600_000_000;
    let series = match view.series(&query) {
        // `trail.created` is of today.
        Err(AggregateError::TooManyBuckets { .. })
            if hours > i64::try_from(MAX_BUCKETS).unwrap() / 60 =>
        {
            return;
        }
        series => series.unwrap(),
    };
    check_starts(&series, question, &zone);
    let start_of = |instant| start_of(instant, question.interval, &zone);
    let is_open = range.from.is_none() || range.to.is_none();
    match (first, last) {
        (Some(first), Some(last)) if first <= last && !(is_open && records.is_empty()) => {
            let ends = [
                &series.buckets[0],
                &series.buckets[series.buckets.len() - 1],
            ];
            assert_eq!(
                ends.map(|end| end.start_us),
                [first, last].map(start_of),
                "{question:?}"
            );
        }
        _ => assert!(series.buckets.is_empty(), "{question:?}"),
    }
    let mut by_start: BTreeMap<i64, Vec<&RecordView<'_>>> = BTreeMap::new();
    for record in &records {
        by_start
            .entry(start_of(record.time_us))
            .or_default()
            .push(record);
    }
    for bucket in &series.buckets {
        let inside = by_start.remove(&bucket.start_us).unwrap_or_default();
        assert_eq!(
            bucket.rows,
            rows(&inside, &question.by, Figure::Count),
            "{question:?}"
        );
    }
    assert!(by_start.is_empty(), "{by_start:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_event_is_in_the_bucket_of_its_clock(
        (batches, questions) in select(&SHIFTS[..]).prop_flat_map(|shift| {
            let time = around(shift).prop_map(|instant| {
                format!("\"{}\"", Micros(u64::try_from(instant).unwrap()))
            });
            (vec(vec(generate::event_at(time), 1..9), 1..7), vec(question(shift), 12))
        }),
        cuts in vec(0..50_u64, 0..4),
        compact in any::<bool>(),
    ) {
        let node = Node::new();
        let all = fill(&node, &batches, &cuts, compact);
        for question in &questions {
            check(&node, &all, question);
        }
    }
}

fn starts(interval: Interval, zone: &str, from: &str, to: &str) -> Vec<String> {
    let node = Node::new();
    let query = SeriesQuery {
        filter: parse("actor:nobody"),
        range: TimeRange {
            from: Some(micros(from)),
            to: Some(micros(to)),
        },
        interval,
        zone: Zone::parse(zone).unwrap(),
        by: Vec::new(),
    };
    let series = node.engine.snapshot().unwrap().series(&query).unwrap();
    series
        .buckets
        .into_iter()
        .map(|bucket| bucket.start)
        .collect()
}

#[test]
fn an_hour_that_comes_twice_is_two_buckets() {
    assert_eq!(
        starts(
            Interval::Hour,
            "Europe/Berlin",
            "2026-10-24T23:30:00Z",
            "2026-10-25T02:00:01Z"
        ),
        [
            "2026-10-25T01:00:00+02:00",
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ]
    );
}

#[test]
fn a_bucket_begins_at_a_shift_of_half_an_hour() {
    assert_eq!(
        starts(
            Interval::Hour,
            "Australia/Lord_Howe",
            "2026-04-04T14:10:00Z",
            "2026-04-04T16:00:00Z"
        ),
        [
            "2026-04-05T01:00:00+11:00",
            "2026-04-05T01:30:00+10:30",
            "2026-04-05T02:00:00+10:30",
        ]
    );
    assert_eq!(
        starts(
            Interval::Hour,
            "Australia/Lord_Howe",
            "2026-10-03T15:00:00Z",
            "2026-10-03T16:00:01Z"
        ),
        [
            "2026-10-04T01:00:00+10:30",
            "2026-10-04T02:30:00+11:00",
            "2026-10-04T03:00:00+11:00",
        ]
    );
}

#[test]
fn days_are_dates_and_weeks_begin_on_monday() {
    assert_eq!(
        starts(
            Interval::Day,
            "America/New_York",
            "2026-03-07T12:00:00Z",
            "2026-03-09T12:00:00Z"
        ),
        [
            "2026-03-07T00:00:00-05:00",
            "2026-03-08T00:00:00-05:00",
            "2026-03-09T00:00:00-04:00",
        ]
    );
    assert_eq!(
        starts(
            Interval::Week,
            "Asia/Kolkata",
            "2026-03-01T00:00:00Z",
            "2026-03-02T00:00:00Z"
        ),
        ["2026-02-23T00:00:00+05:30", "2026-03-02T00:00:00+05:30"]
    );
    // A date that there never was, and a midnight that there never was.
    assert_eq!(
        starts(
            Interval::Day,
            "Pacific/Apia",
            "2011-12-29T12:00:00Z",
            "2011-12-31T12:00:00Z"
        ),
        [
            "2011-12-29T00:00:00-10:00",
            "2011-12-31T00:00:00+14:00",
            "2012-01-01T00:00:00+14:00",
        ]
    );
    assert_eq!(
        starts(
            Interval::Day,
            "America/Sao_Paulo",
            "2018-11-04T12:00:00Z",
            "2018-11-04T13:00:00Z"
        ),
        ["2018-11-04T01:00:00-02:00"]
    );
}

#[test]
fn a_date_that_is_left_and_entered_again_is_one_bucket() {
    // At 00:01 the clock went back to 23:01 of the day before.
    let node = Node::new();
    let event = |time: &str| format!(r#"{{"actor":{{"id":"a"}},"action":"x","time":"{time}"}}"#);
    node.record(&[
        event("2010-11-07T02:29:30Z"),
        event("2010-11-07T02:30:30Z"),
        event("2010-11-07T02:31:30Z"),
        event("2010-11-07T03:29:59Z"),
        event("2010-11-07T03:30:00Z"),
    ]);
    node.seal(4);
    let query = |from: Option<&str>, to: Option<&str>| SeriesQuery {
        filter: parse("actor:a"),
        range: TimeRange {
            from: from.map(micros),
            to: to.map(micros),
        },
        interval: Interval::Day,
        zone: Zone::parse("America/St_Johns").unwrap(),
        by: Vec::new(),
    };
    let counts = |query: &SeriesQuery| -> Vec<(String, u64)> {
        let series = node.engine.snapshot().unwrap().series(query).unwrap();
        let buckets = series.buckets.into_iter();
        buckets
            .map(|bucket| (bucket.start[..10].to_owned(), bucket.rows[0].figures.count))
            .collect()
    };
    let days = |counts: [u64; 2]| {
        ["2010-11-06", "2010-11-07"]
            .map(str::to_owned)
            .into_iter()
            .zip(counts)
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(&query(None, None)), days([3, 2]));
    let (from, to) = (Some("2010-11-07T02:30:10Z"), Some("2010-11-07T03:30:00Z"));
    assert_eq!(counts(&query(from, to)), days([2, 1]));
}

#[test]
fn a_series_has_no_more_buckets_than_may_be() {
    let node = Node::new();
    node.record(&[
        r#"{"actor":{"id":"a"},"action":"x","time":"0001-01-01T00:00:00Z"}"#,
        r#"{"actor":{"id":"b"},"action":"x","time":"9999-12-31T23:59:59.999999Z"}"#,
    ]);
    node.seal(2);
    let series = |filter: &str, interval| {
        let query = SeriesQuery {
            filter: parse(filter),
            range: TimeRange::ALL,
            interval,
            zone: Zone::UTC,
            by: Vec::new(),
        };
        node.engine.snapshot().unwrap().series(&query)
    };
    let too_many = series("", Interval::Week);
    assert!(matches!(
        too_many,
        Err(AggregateError::TooManyBuckets { .. })
    ));
    for (filter, start) in [
        ("actor:a", "0001-01-01T00:00:00+00:00"),
        ("actor:b", "9999-12-31T23:59:00+00:00"),
    ] {
        let found = series(filter, Interval::Minute).unwrap();
        assert_eq!(found.buckets.len(), 1);
        assert_eq!(found.buckets[0].start, start);
        assert_eq!(found.buckets[0].rows[0].figures.count, 1);
    }
    assert_eq!(series("actor:c", Interval::Day).unwrap().buckets, []);
}

#[test]
fn zones_are_those_of_the_database() {
    assert_eq!(
        Zone::parse("europe/berlin").unwrap().name(),
        "Europe/Berlin"
    );
    assert_eq!(Zone::parse("UTC").unwrap().name(), "UTC");
    for name in ["", "Europe/Nowhere", "../../etc/passwd"] {
        assert_eq!(Zone::parse(name).unwrap_err().name, name);
    }
}
