//! Somebody rewrites columns and puts every checksum right: other programs would answer from them.

use store::Column;

use crate::machine::Machine;
use forge::Forgery;
use parquet::file::properties::EnabledStatistics;

#[expect(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests of the store"
)]
#[path = "../../../store/tests/it/forge.rs"]
mod forge;

/// A sealed log at rest.
fn log() -> Machine {
    log_of("pay")
}

/// So too, with this action.
fn log_of(action: &str) -> Machine {
    let mut machine = Machine::serving();
    let event = |n| {
        let id = if n % 2 == 0 {
            format!("\"id\":\"f-{n}\",")
        } else {
            String::new()
        };
        format!(
            "{{{id}\"actor\":{{\"id\":\"a\"}},\"action\":\"{action}\",\"input\":{n},\"status\":{n}}}\n"
        )
    };
    machine.post(&(0..50).map(event).collect::<Vec<_>>().concat());
    machine.wait_signed();
    machine.stop();
    machine
}

/// The damage that `verify` names; it has to end with 3.
fn damage(machine: &Machine) -> Vec<String> {
    let output = machine.run(&["verify", machine.data().to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("DAMAGED "));
    lines.map(str::to_owned).collect()
}

#[test]
fn an_altered_value_is_named_with_file_record_and_column() {
    for (column, to) in [
        (Column::Status, Some(0)),
        (Column::Status, None),
        (Column::Time, Some(7)),
    ] {
        let machine = log();
        let data = machine.data();
        machine.out(&["verify", data.to_str().unwrap()]);
        let alter = |values: &mut Vec<Option<i64>>| values[23] = to;
        let statistics = if column == Column::Time {
            EnabledStatistics::Page
        } else {
            EnabledStatistics::None
        };
        forge::column(
            &data.join("trails/default"),
            column.index(),
            &Forgery::Values(&alter, statistics),
        );
        let damage = damage(&machine);
        let to = to.map_or("null".to_owned(), |to| to.to_string());
        let found = format!(
            "record 23: column {} has {to}, the record says ",
            column.name()
        );
        assert!(
            damage.len() == 1 && damage[0].contains(".parquet: ") && damage[0].contains(&found),
            "{damage:?}"
        );
    }
}

#[test]
fn what_the_manifest_says_of_a_segment_is_compared_with_its_records() {
    for (member, to) in [
        ("raw_bytes", "1"),
        ("recorded_at", "[1,2]"),
        ("time", "[1,2]"),
        ("file_bytes", "1"),
    ] {
        let machine = log();
        forge::manifest(&machine.data().join("trails/default"), |text| {
            let (head, rest) = text.split_once(&format!("\"{member}\":")).unwrap();
            let end = rest.find(",\"").unwrap();
            format!("{head}\"{member}\":{to}{}", &rest[end..])
        });
        let damage = damage(&machine);
        let names = |line: &String| line.contains(member) || line.contains("the manifest's");
        assert!(
            damage.len() == 1 && names(&damage[0]),
            "{member}: {damage:?}"
        );
    }
}

#[test]
fn a_file_that_no_manifest_names_is_noted() {
    let machine = log();
    let data = machine.data();
    let stray = data.join("trails/default/segments/0-9-a.parquet");
    std::fs::write(&stray, "PAR1").unwrap();
    let text = machine.out(&["verify", data.to_str().unwrap()]);
    assert!(
        text.contains(&format!("note {}", stray.display())),
        "{text}"
    );
}

#[test]
fn an_index_or_rollup_of_other_events_is_named() {
    for extension in ["idx", "rollup"] {
        let [machine, other] = ["pay", "buy"].map(log_of);
        let [own, other] = [&machine, &other].map(|machine| {
            let folder = machine.data().join("trails/default/segments");
            let files = std::fs::read_dir(folder).unwrap();
            let mut paths = files.map(|file| file.unwrap().path());
            paths
                .find(|path| path.extension().is_some_and(|found| found == extension))
                .unwrap()
        });
        std::fs::copy(other, &own).unwrap();
        let damage = damage(&machine);
        let starts = own.display().to_string();
        assert!(
            damage.len() == 1 && damage[0].starts_with(&starts) && damage[0].contains("not what"),
            "{damage:?}"
        );
    }
}
