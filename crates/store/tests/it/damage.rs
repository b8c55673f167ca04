//! Altered bytes are an error that names the file, or are rebuilt, and never an answer.

use std::path::{Path, PathBuf};

use event::RecordView;
use indelible_store::{Column, Config, Measure, Segments, Snapshot, Sought, StoreError};
use ledger::History;

use crate::{files, open, sample, trail};

/// Reads everything there is: rows, columns, ids.
fn read_everything(
    dir: &Path,
    samples: &[sample::Sample],
) -> Result<Vec<sample::Sample>, StoreError> {
    let segments = Segments::open_read_only(dir, Config::default())?;
    let snapshot = segments.snapshot(&trail())?;
    let mut read = Vec::new();
    for (row, sample) in rows(&snapshot).zip(samples) {
        let row = row?;
        read.push(sample::Sample {
            record: row.record.to_vec(),
            content: row.content.map(|content| content.to_vec()),
            digest: row.digest,
            ..sample.clone()
        });
    }
    for segment in snapshot.segments() {
        for column in Column::ALL {
            segment.texts(0, column)?;
            segment.ints(0, column)?;
        }
    }
    for segment in snapshot.segments() {
        let shapes = segment.rollup().map_or(0, |rollup| rollup.shapes().count());
        for cuboid in (0..shapes).filter_map(|number| segment.cuboid(number)) {
            let rows: i64 = cuboid.sums(Measure::Count).iter().sum();
            assert_eq!(
                usize::try_from(rows).unwrap(),
                samples.len(),
                "a rollup that is used is right"
            );
        }
    }
    for sample in samples {
        let view = RecordView::parse(&sample.record).unwrap();
        let segment = snapshot.segment(sample.seq).unwrap();
        let row = (sample.seq - segment.range().start) as u32;
        if let Some(hits) = segment.hits(Sought::Text(Column::Actor, &view.actor.id), 99) {
            assert!(
                hits.certain.contains(&row),
                "an index that is used is right"
            );
        }
    }
    for sample in samples {
        let found = segments.find(&trail(), &sample.id);
        let known = found.map_err(|error| *error.0.downcast::<StoreError>().unwrap())?;
        assert_eq!(known.unwrap().seq.0, sample.seq);
    }
    Ok(read)
}

fn rows(snapshot: &Snapshot) -> impl Iterator<Item = Result<indelible_store::Row, StoreError>> {
    let segments = snapshot.segments().iter();
    segments.flat_map(|segment| segment.rows(segment.range(), indelible_store::Order::OldestFirst))
}

fn named(error: &StoreError) -> PathBuf {
    match error {
        StoreError::Damaged { path, .. }
        | StoreError::Missing { path }
        | StoreError::NotContiguous { path, .. } => path.clone(),
        other => panic!("not an error of damage: {other}"),
    }
}

fn example() -> (tempfile::TempDir, Vec<sample::Sample>, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(21, 0, 12);
    let segments = open(dir.path());
    segments.seal(&trail(), &sample::rows(&samples)).unwrap();
    let mut all = files(dir.path(), "segments");
    all.extend(files(dir.path(), "manifest"));
    assert_eq!(all.len(), 6);
    (dir, samples, all)
}

/// Reads and verifies with one file changed.
fn judge(dir: &Path, file: &Path, samples: &[sample::Sample], context: &str) {
    let is = |extension| file.extension().is_some_and(|is| is == extension);
    let is_made_again = is("idx") || is("rollup");
    let rebuilt = is("ids") || is_made_again;
    match read_everything(dir, samples) {
        Ok(read) => assert_eq!(read, samples, "{context}"),
        Err(error) => {
            assert!(!rebuilt, "{context}: {error}");
            assert_eq!(named(&error), file, "{context}");
        }
    }
    let segments = Segments::open_read_only(dir, Config::default()).unwrap();
    let found = segments.check(&trail()).unwrap_or_else(|error| vec![error]);
    // Segments from before there were such files have none.
    let may_lack = is_made_again && !file.exists();
    assert_eq!(found.is_empty(), may_lack, "{context}");
    for error in found {
        assert_eq!(named(&error), file, "{context}");
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let (dir, samples, all) = example();
    for file in all {
        let bytes = std::fs::read(&file).unwrap();
        // Every byte of the small files, every region of the large one.
        let step = (bytes.len() / 300).max(1);
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&file, &changed).unwrap();
            judge(
                dir.path(),
                &file,
                &samples,
                &format!("{} byte {at}", file.display()),
            );
        }
        std::fs::write(&file, &bytes).unwrap();
    }
    assert_eq!(read_everything(dir.path(), &samples).unwrap(), samples);
}

#[test]
fn a_cut_or_longer_file_is_found() {
    let (dir, samples, all) = example();
    for file in all {
        let bytes = std::fs::read(&file).unwrap();
        let longer = [bytes.as_slice(), b" x"].concat();
        for changed in [
            &bytes[..0],
            &bytes[..bytes.len() / 2],
            &bytes[..bytes.len() - 1],
            &longer,
        ] {
            std::fs::write(&file, changed).unwrap();
            let context = format!("{} of {} bytes", file.display(), changed.len());
            judge(dir.path(), &file, &samples, &context);
        }
        std::fs::write(&file, &bytes).unwrap();
    }
}

#[test]
fn a_missing_file_is_named() {
    let (dir, samples, all) = example();
    for file in all {
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        if file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            // Without a manifest nothing is sealed; the ledger then misses its events.
            assert_eq!(open(dir.path()).sealed(&trail()).unwrap().size, 0);
        } else {
            judge(dir.path(), &file, &samples, &file.display().to_string());
        }
        std::fs::write(&file, &bytes).unwrap();
    }
}

#[test]
fn the_owner_does_not_start_without_a_whole_segment() {
    let (dir, _, all) = example();
    let parquet = all
        .iter()
        .find(|file| file.extension().is_some_and(|e| e == "parquet"))
        .unwrap();
    let bytes = std::fs::read(parquet).unwrap();
    std::fs::write(parquet, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(
        named(&open(dir.path()).snapshot(&trail()).unwrap_err()),
        *parquet
    );
    std::fs::remove_file(parquet).unwrap();
    assert_eq!(
        named(&open(dir.path()).snapshot(&trail()).unwrap_err()),
        *parquet
    );
}

#[test]
fn an_older_manifest_is_verified_too() {
    let (dir, samples, all) = example();
    let more = sample::samples(21, 12, 3);
    open(dir.path())
        .seal(&trail(), &sample::rows(&more))
        .unwrap();
    let oldest = all.last().unwrap();
    let mut bytes = std::fs::read(oldest).unwrap();
    bytes[40] ^= 1;
    std::fs::write(oldest, &bytes).unwrap();
    let segments = open(dir.path());
    let found = segments.check(&trail()).unwrap();
    assert_eq!(
        found.iter().map(named).collect::<Vec<_>>(),
        vec![oldest.clone()]
    );
    assert_eq!(
        segments.snapshot(&trail()).unwrap().size(),
        samples.len() as u64 + 3
    );
}

#[test]
fn the_owner_writes_a_damaged_id_table_again() {
    let (dir, samples, all) = example();
    let ids = all
        .iter()
        .find(|file| file.extension().is_some_and(|e| e == "ids"))
        .unwrap();
    let good = std::fs::read(ids).unwrap();
    for at in [0, good.len() - 20] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        std::fs::write(ids, &changed).unwrap();
        let segments = open(dir.path());
        for sample in &samples {
            assert_eq!(
                segments.find(&trail(), &sample.id).unwrap().unwrap().seq.0,
                sample.seq
            );
        }
        assert_eq!(std::fs::read(ids).unwrap(), good, "byte {at}");
    }
}
