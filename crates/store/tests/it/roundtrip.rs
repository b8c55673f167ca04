use event::Seq;
use indelible_store::{Order, StoreError};
use ledger::History;

use crate::{files, open, read_all, sample, trail};

#[test]
fn sealed_events_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(1, 0, 3_000);
    let segments = open(dir.path());
    segments
        .seal(&trail(), &sample::rows(&samples[..1_000]))
        .unwrap();
    let before = segments.snapshot(&trail()).unwrap();
    let snapshot = segments
        .seal(&trail(), &sample::rows(&samples[1_000..]))
        .unwrap();

    assert_eq!((before.size(), snapshot.size()), (1_000, 3_000));
    assert_eq!(read_all(&before), samples[..1_000]);
    assert_eq!(read_all(&snapshot), samples);
    for seq in [0, 999, 1_000, 2_999] {
        let segment = snapshot.segment(seq).unwrap();
        let sample = &samples[seq as usize];
        assert_eq!(segment.record(seq).unwrap(), sample.record);
        assert_eq!(
            segment.content(seq).unwrap().as_deref(),
            sample.content.as_deref()
        );
        assert_eq!(segment.digest(seq).unwrap(), sample.digest);
    }
    assert!(snapshot.segment(3_000).is_none());
    let last = snapshot.segment(2_999).unwrap();
    assert!(matches!(
        last.record(3_000),
        Err(StoreError::NotHere { seq: 3_000 })
    ));
    assert!(matches!(
        last.record(999),
        Err(StoreError::NotHere { seq: 999 })
    ));
    let newest: Vec<u64> = last
        .rows(2_990..5_000, Order::NewestFirst)
        .map(|row| row.unwrap().seq)
        .collect();
    assert_eq!(newest, (2_990..3_000).rev().collect::<Vec<_>>());
    assert_eq!(last.rows(0..10, Order::NewestFirst).count(), 0);

    drop(segments);
    assert_eq!(
        read_all(&open(dir.path()).snapshot(&trail()).unwrap()),
        samples
    );
}

#[test]
fn events_are_found_by_id() {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(2, 0, 1_200);
    let segments = open(dir.path());
    segments
        .seal(&trail(), &sample::rows(&samples[..700]))
        .unwrap();
    segments
        .seal(&trail(), &sample::rows(&samples[700..]))
        .unwrap();
    for sample in samples.iter().step_by(37) {
        let known = segments.find(&trail(), &sample.id).unwrap().unwrap();
        assert_eq!(known.seq, Seq(sample.seq));
        assert_eq!(known.recorded_at.0, sample.recorded_at);
        assert_eq!(known.digest, sample.digest);
    }
    assert!(segments.find(&trail(), "nobody").unwrap().is_none());
    let end = segments.sealed(&trail()).unwrap();
    assert_eq!(
        (end.size, end.recorded_at.0),
        (1_200, samples[1_199].recorded_at)
    );
}

#[test]
fn an_unknown_trail_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    assert_eq!(segments.snapshot(&trail()).unwrap().size(), 0);
    assert!(segments.find(&trail(), "nobody").unwrap().is_none());
    assert_eq!(segments.trails().unwrap(), vec![]);
    segments.clean(&trail()).unwrap();
}

#[test]
fn events_that_do_not_follow_on_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let samples = sample::samples(3, 0, 30);
    segments
        .seal(&trail(), &sample::rows(&samples[..10]))
        .unwrap();
    for wrong in [&samples[9..], &samples[11..]] {
        let error = segments.seal(&trail(), &sample::rows(wrong)).unwrap_err();
        assert!(
            matches!(error, StoreError::NotContiguous { expected: 10, .. }),
            "{error}"
        );
    }
    let mut hole = sample::rows(&samples[10..]);
    hole.remove(5);
    let error = segments.seal(&trail(), &hole).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::NotContiguous {
                expected: 15,
                actual: 16,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(files(dir.path(), "segments").len(), 5, "no leftovers");
    segments
        .seal(&trail(), &sample::rows(&samples[10..]))
        .unwrap();
    assert_eq!(read_all(&segments.snapshot(&trail()).unwrap()), samples);
}

#[test]
fn merging_keeps_every_byte_and_leaves_no_second_copy() {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(4, 0, 900);
    let segments = open(dir.path());
    for part in samples.chunks(100) {
        segments.seal(&trail(), &sample::rows(part)).unwrap();
    }
    let before = segments.snapshot(&trail()).unwrap();
    assert!(segments.compact(&trail(), &|| false).unwrap());
    let after = segments.snapshot(&trail()).unwrap();
    assert_eq!((before.segments().len(), after.segments().len()), (9, 2));
    assert_eq!(read_all(&after), samples);
    assert_eq!(
        read_all(&before),
        samples,
        "readers of the replaced segments go on"
    );
    assert_eq!(files(dir.path(), "segments").len(), 10);
    assert_eq!(files(dir.path(), "manifest").len(), 4);
    assert!(!segments.compact(&trail(), &|| false).unwrap());
    for sample in samples.iter().step_by(11) {
        let known = segments.find(&trail(), &sample.id).unwrap().unwrap();
        assert_eq!(known.seq, Seq(sample.seq));
    }
    assert!(segments.check(&trail()).unwrap().is_empty());
}

#[test]
fn merging_stops_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(4, 0, 80);
    let segments = open(dir.path());
    for part in samples.chunks(10) {
        segments.seal(&trail(), &sample::rows(part)).unwrap();
    }
    let error = segments.compact(&trail(), &|| true).unwrap_err();
    assert!(matches!(error, StoreError::Cancelled), "{error}");
    assert_eq!(segments.snapshot(&trail()).unwrap().segments().len(), 8);
    assert_eq!(files(dir.path(), "segments").len(), 40);
}

#[test]
fn large_row_groups_are_taken_over_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let mut samples = sample::samples(5, 0, 33 * 8);
    let parts: Vec<&mut [sample::Sample]> = samples.chunks_mut(33).collect();
    for (position, part) in parts.into_iter().enumerate() {
        // Contents of 1 MiB make large segments of few rows; 33 of them fill half a row group.
        let large = if [2, 4].contains(&position) { 33 } else { 16 };
        for sample in part.iter_mut().take(large) {
            sample.content = Some(vec![b'x'; 1 << 20]);
        }
        segments.seal(&trail(), &sample::rows(part)).unwrap();
    }
    let before = segments.snapshot(&trail()).unwrap();
    assert!(segments.compact(&trail(), &|| false).unwrap());
    let after = segments.snapshot(&trail()).unwrap();
    assert_eq!((before.segments().len(), after.segments().len()), (8, 1));
    let groups = after.segments()[0].groups().unwrap();
    let ends: Vec<u64> = groups.iter().map(|group| group.end).collect();
    assert_eq!(
        ends,
        [66, 99, 132, 165, 264],
        "large ones alone, small ones together"
    );
    assert_eq!(groups[1], before.segments()[2].groups().unwrap()[0]);
    assert_eq!(read_all(&after), samples);
    for sample in &samples {
        let known = segments.find(&trail(), &sample.id).unwrap().unwrap();
        assert_eq!(known.seq, Seq(sample.seq));
    }
    assert!(segments.check(&trail()).unwrap().is_empty());
    let info = after.segments()[0].info();
    let bytes = |s: &sample::Sample| s.record.len() + s.content.as_ref().map_or(0, Vec::len);
    assert_eq!(
        info.raw_bytes,
        samples.iter().map(bytes).sum::<usize>() as u64
    );
    assert_eq!(
        info.recorded_at,
        [samples[0].recorded_at, samples[263].recorded_at]
    );
}

#[test]
fn leftovers_are_removed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(6, 0, 10);
    open(dir.path())
        .seal(&trail(), &sample::rows(&samples))
        .unwrap();
    let kept = files(dir.path(), "segments");
    let folder = dir.path().join("trails/main/segments");
    for leftover in ["0-1-0.parquet", "0-1-0.sum", "9-9-9.parquet#1"] {
        std::fs::write(folder.join(leftover), b"x").unwrap();
    }
    std::fs::write(
        dir.path()
            .join("trails/main/manifest/00000000000000000002.json#3"),
        b"{",
    )
    .unwrap();
    let segments = open(dir.path());
    segments.clean(&trail()).unwrap();
    assert_eq!(files(dir.path(), "segments"), kept);
    assert_eq!(files(dir.path(), "manifest").len(), 1);
    assert_eq!(read_all(&segments.snapshot(&trail()).unwrap()), samples);
}

#[test]
fn a_second_writer_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(7, 0, 20);
    let (one, two) = (open(dir.path()), open(dir.path()));
    two.snapshot(&trail()).unwrap();
    one.seal(&trail(), &sample::rows(&samples)).unwrap();
    let error = two.seal(&trail(), &sample::rows(&samples)).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    let error = two.seal(&trail(), &sample::rows(&samples)).unwrap_err();
    assert!(matches!(error, StoreError::Stopped { .. }), "{error}");
    assert_eq!(
        read_all(&open(dir.path()).snapshot(&trail()).unwrap()),
        samples
    );
}
