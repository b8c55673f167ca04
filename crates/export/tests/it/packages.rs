//! Packages that nobody changed.

use std::sync::Arc;

use event::{Leaf, RecordView};
use indelible_export::{Bundle, Erasure, archive::Archive};
use serde_json::Value;

use crate::log::{Ask, Log, check, faults, pack, unpack};

#[test]
fn a_package_holds_and_says_what_was_checked() {
    let mut log = Log::of(600);
    let package = log.package(Ask::default());
    let report = check(package.clone(), Some(log.vkey()));
    assert!(report.is_good(), "{:?}", report.faults);
    assert!(report.is_pinned);
    assert_eq!((report.checks.records, report.checks.contents), (600, 200));
    assert_eq!((report.checks.files, report.checks.withheld), (9, 0));
    assert_eq!(report.checkpoint.unwrap().size, 600);
    assert_eq!(report.export.unwrap().seq, 600);
    let manifest = report.manifest.unwrap();
    assert_eq!(manifest.counts.records, 600);
    assert_eq!(manifest.gaps[0].count(), 1);
    assert!(!check(package, None).is_pinned);
}

#[test]
fn files_are_exact_and_as_the_format_has_them() {
    let mut log = Log::of(7);
    let files = unpack(&log.package(Ask::default()));
    let text = |name: &str| std::str::from_utf8(&files[name]).unwrap();
    let records: String = log.events[..7]
        .iter()
        .map(|e| e.record.clone() + "\n")
        .collect();
    assert_eq!(text("records.jsonl"), records);
    let contents: Vec<Value> = text("contents.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seqs: Vec<_> = contents
        .iter()
        .map(|row| row["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, [0, 3, 6]);
    assert_eq!(
        contents[1]["content"],
        log.events[3].content.clone().unwrap()
    );
    let proof: Value = serde_json::from_str(text("proofs.jsonl").lines().nth(1).unwrap()).unwrap();
    let members: Vec<_> = proof.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["leaf", "proof", "salt_content", "salt_record", "seq"]
    );
    assert_eq!(proof["salt_content"], Value::Null);
    let manifest: Value = serde_json::from_str(text("manifest.json")).unwrap();
    assert_eq!(manifest["query"]["at"], 7);
    assert_eq!(
        manifest["gaps"],
        serde_json::from_str::<Value>(text("gaps.json")).unwrap()
    );
    let listed: Vec<_> = manifest["files"].as_object().unwrap().keys().collect();
    assert!(!listed.iter().any(|name| *name == "export.json"));
    assert_eq!(files.len(), listed.len() + 2);
    let csv = text("events.csv");
    assert!(csv.contains(",'=x,") && !csv.contains(",=x,"), "{csv}");
    let readme = text("README.html");
    assert!(readme.contains("&lt;b&gt;me&lt;/b&gt;") && readme.contains("auditU+202E"));
    let bundle: Bundle = serde_json::from_slice(&files["export.json"]).unwrap();
    assert_eq!(bundle.index, 7);
    bundle.verify(log.vkey()).unwrap();
}

#[test]
fn without_contents_their_salts_stay_away_too() {
    let mut log = Log::of(9);
    let ask = Ask {
        with_contents: false,
        ..Ask::default()
    };
    let package = log.package(ask);
    let files = unpack(&package);
    assert!(!files.contains_key("contents.jsonl"));
    let proofs = std::str::from_utf8(&files["proofs.jsonl"]).unwrap();
    assert!(
        proofs
            .lines()
            .all(|line| line.contains("\"salt_content\":null"))
    );
    let report = check(package, None);
    assert!(report.is_good(), "{:?}", report.faults);
    assert_eq!((report.checks.contents, report.checks.withheld), (0, 3));
}

#[test]
fn a_selection_is_compared_with_what_was_asked() {
    let mut log = Log::of(40);
    let ask = |q| Ask {
        q,
        ..Ask::default()
    };
    let package = log.package(ask("actor:a1"));
    let report = check(package, None);
    assert!(report.is_good(), "{:?}", report.faults);
    assert_eq!(report.checks.records, 20);
    // Only the contents say whether a record matches.
    let package = log.package(Ask {
        with_contents: false,
        ..ask("input:*")
    });
    let report = check(package, None);
    assert!(report.is_good(), "{:?}", report.faults);
    assert_eq!(report.checks.unjudged, report.checks.records);
    let empty = check(log.package(ask("actor:nobody")), None);
    assert!(
        empty.is_good() && empty.checks.records == 0,
        "{:?}",
        empty.faults
    );
}

#[test]
fn packed_again_by_another_tool_it_still_holds() {
    let mut log = Log::of(30);
    let package = log.package(Ask::default());
    assert_eq!(faults(pack(&unpack(&package))), [""; 0]);
}

#[test]
fn what_the_log_tells_was_erased_is_no_fault() {
    let mut log = Log::of(6);
    let erase = |log: &mut Log, seq: usize, record: bool| {
        let event = &mut log.events[seq];
        event.content = None;
        if record {
            event.record = format!("{{\"v\":1,\"seq\":{seq},\"erased\":true}}");
        }
    };
    erase(&mut log, 3, false);
    erase(&mut log, 4, true);
    let tell = |seq, action: &str| Erasure {
        seq,
        action: action.to_owned(),
        erased: vec![[seq, seq]],
    };
    let told = log.package(Ask {
        erasures: vec![tell(3, "content.erased"), tell(4, "record.erased")],
        gaps: Some(Vec::new()),
        ..Ask::default()
    });
    let found = faults(told);
    // The gap that the erased record leaves is told neither, and the erasures' own records are not these events.
    let other: Vec<_> = found
        .iter()
        .filter(|fault| !fault.contains("gaps") && !fault.contains("does not say"))
        .collect();
    assert!(other.is_empty(), "{found:?}");
    let silent = faults(log.package(Ask {
        gaps: Some(Vec::new()),
        ..Ask::default()
    }));
    for missing in [
        "the content of event 3 is MISSING",
        "the record of event 4 is MISSING",
    ] {
        assert!(
            silent.iter().any(|fault| fault.contains(missing)),
            "{silent:?}"
        );
    }
}

#[test]
fn members_come_in_the_order_in_which_they_are_looked_at() {
    let mut log = Log::of(3);
    let package = log.package(Ask::default());
    let first = package
        .windows(11)
        .position(|bytes| bytes == b"README.html")
        .unwrap();
    assert_eq!(first, 30);
    let archive = Archive::open(Arc::new(package)).unwrap();
    assert_eq!(archive.members().count(), 11);
    // The records of the log are records, and leaves have their length.
    assert!(RecordView::parse(log.events[0].record.as_bytes()).is_ok());
    assert_eq!(log.events[0].leaf.to_bytes().len(), Leaf::BYTES);
}
