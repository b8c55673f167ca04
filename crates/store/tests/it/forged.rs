//! Files whose checksums are right, written by somebody else: what they say is compared with the records.

use event::RecordView;
use indelible_store::{Column, Config, Segments, StoreError};
use parquet::{
    column::writer::ColumnCloseResult,
    file::{
        metadata::ColumnChunkMetaData, page_index::offset_index::OffsetIndexMetaData,
        properties::EnabledStatistics, statistics::Statistics,
    },
};

use crate::{
    forge::{self, Forgery},
    open, sample, trail,
};

fn sealed() -> (tempfile::TempDir, Vec<sample::Sample>) {
    let dir = tempfile::tempdir().unwrap();
    let samples = sample::samples(31, 0, 40);
    open(dir.path())
        .seal(&trail(), &sample::rows(&samples))
        .unwrap();
    (dir, samples)
}

/// Everything that is found, as text.
fn found(dir: &std::path::Path, samples: &[sample::Sample]) -> Vec<String> {
    let segments = Segments::open_read_only(dir, Config::default()).unwrap();
    let snapshot = segments.snapshot(&trail()).unwrap();
    let segment = &snapshot.segments()[0];
    let damage = segments.check(&trail()).unwrap();
    let mut found: Vec<String> = damage.iter().map(StoreError::to_string).collect();
    match segment.typed(0) {
        Err(error) => found.push(error.to_string()),
        Ok(typed) => {
            for (row, sample) in samples.iter().enumerate() {
                assert_eq!(segment.record(sample.seq).unwrap(), sample.record);
                let view = RecordView::parse(&sample.record).unwrap();
                let difference = typed.difference(row, &view);
                found.extend(difference.map(|it| format!("{}: {it}", sample.seq)));
            }
        }
    }
    found
}

#[test]
fn what_was_sealed_or_merged_is_what_the_records_say() {
    let dir = tempfile::tempdir().unwrap();
    let segments = open(dir.path());
    let samples = sample::samples(32, 0, 8 * 40);
    for part in samples.chunks(40) {
        segments.seal(&trail(), &sample::rows(part)).unwrap();
    }
    segments.compact(&trail(), &|| false).unwrap();
    assert_eq!(found(dir.path(), &samples), Vec::<String>::new());
}

#[test]
fn an_altered_value_is_found_in_its_column() {
    let row = |samples: &[sample::Sample], has_status: bool| {
        let has = |sample: &sample::Sample| {
            RecordView::parse(&sample.record).unwrap().status.is_some() == has_status
        };
        samples.iter().position(has).unwrap()
    };
    for (has_status, to) in [(true, Some(77)), (true, None), (false, Some(77))] {
        let (dir, samples) = sealed();
        let row = row(&samples, has_status);
        let trail = dir.path().join("trails/main");
        let alter = |values: &mut Vec<Option<i64>>| values[row] = to;
        forge::column(
            &trail,
            Column::Status.index(),
            &Forgery::Values(&alter, EnabledStatistics::None),
        );
        let found = found(dir.path(), &samples);
        assert_eq!(found.len(), 1, "{found:?}");
        let to = to.map_or("null".to_owned(), |to| to.to_string());
        let start = format!("{row}: column status has {to}, the record says ");
        assert!(found[0].starts_with(&start), "{found:?}");
    }
}

#[test]
fn a_column_written_anew_with_the_same_values_is_no_damage() {
    let (dir, samples) = sealed();
    forge::column(
        &dir.path().join("trails/main"),
        Column::Status.index(),
        &Forgery::Values(&|_| (), EnabledStatistics::None),
    );
    assert_eq!(found(dir.path(), &samples), Vec::<String>::new());
}

/// The one line that is found after what the footer says of a column was altered.
fn footer(column: Column, alter: impl Fn(&mut ColumnCloseResult)) -> String {
    let (dir, samples) = sealed();
    let trail = dir.path().join("trails/main");
    forge::column(&trail, column.index(), &Forgery::Footer(&alter));
    let found = found(dir.path(), &samples);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(column.name()), "{found:?}");
    found[0].clone()
}

fn with_statistics(chunk: &ColumnChunkMetaData, range: [i64; 2]) -> ColumnChunkMetaData {
    let statistics = Statistics::int64(Some(range[0]), Some(range[1]), None, Some(0), false);
    let builder = chunk.clone().into_builder();
    builder.set_statistics(statistics).build().unwrap()
}

#[test]
fn bounds_that_hide_rows_are_found() {
    let row_group = footer(Column::Time, |column| {
        column.metadata = with_statistics(&column.metadata, [1, 2]);
    });
    assert!(row_group.contains("bounds are not those"), "{row_group}");
    let other = footer(Column::RecordedAt, |column| {
        column.column_index = None;
        column.metadata = column
            .metadata
            .clone()
            .into_builder()
            .clear_statistics()
            .build()
            .unwrap();
    });
    assert!(other.contains("bounds are not those"), "{other}");
    let none_expected = footer(Column::Status, |column| {
        column.metadata = with_statistics(&column.metadata, [1, 2]);
    });
    assert!(none_expected.contains("which only seq"), "{none_expected}");
}

#[test]
fn bounds_of_pages_that_hide_rows_are_found() {
    let (dir, samples) = sealed();
    let trail = dir.path().join("trails/main");
    let mut taken = None;
    let take = std::cell::RefCell::new(&mut taken);
    forge::column(
        &trail,
        Column::Seq.index(),
        &Forgery::Footer(&|column| **take.borrow_mut() = column.column_index.clone()),
    );
    assert_eq!(found(dir.path(), &samples), Vec::<String>::new());
    let line = footer(Column::Time, |column| {
        column.column_index.clone_from(&taken);
    });
    assert!(line.contains("bounds are not those"), "{line}");
}

#[test]
fn a_page_index_that_leads_elsewhere_is_found() {
    let line = footer(Column::Status, |column| {
        let mut index: OffsetIndexMetaData = column.offset_index.clone().unwrap();
        index.page_locations[0].first_row_index = 1;
        column.offset_index = Some(index);
    });
    assert!(line.contains("the page index names other pages"), "{line}");
}
