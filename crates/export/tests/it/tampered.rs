//! Packages that somebody changed, repaired as well as can be.

use serde_json::{Value, json};

use crate::log::{Ask, Files, Log, check, faults, pack, repair, unpack};

fn package(count: u64) -> (Log, Files) {
    let mut log = Log::of(count);
    let files = unpack(&log.package(Ask::default()));
    (log, files)
}

#[track_caller]
fn assert_found(files: &Files, expected: &str) {
    let found = faults(pack(files));
    assert!(
        found.iter().any(|fault| fault.contains(expected)),
        "{expected}: {found:?}"
    );
}

fn lines(files: &mut Files, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let text = std::str::from_utf8(&files[name]).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    change(&mut lines);
    files.insert(name.to_owned(), lines.concat().into_bytes());
}

#[test]
fn one_changed_byte_in_any_file_is_found() {
    let (_log, files) = package(12);
    for (name, bytes) in &files {
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 60) {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[at] ^= 1;
            assert!(!faults(pack(&changed)).is_empty(), "byte {at} of {name}");
        }
    }
}

#[test]
fn one_changed_byte_anywhere_in_the_archive_is_found_or_means_nothing() {
    let mut log = Log::of(12);
    let package = log.package(Ask::default());
    let files = unpack(&package);
    let mut idle = 0;
    // Every header, and a part of the packed bytes.
    let directory = package.len() - 1_000;
    for at in (0..directory).step_by(13).chain(directory..package.len()) {
        let mut changed = package.clone();
        changed[at] ^= 1 << (at % 8);
        // Dates, versions and attributes of files are not looked at: what is unpacked is the same.
        if faults(changed.clone()).is_empty() {
            assert_eq!(unpack(&changed), files, "byte {at}");
            idle += 1;
        }
    }
    assert!(idle < 400, "{idle}");
}

#[test]
fn cut_anywhere_it_is_no_package() {
    let mut log = Log::of(5);
    let package = log.package(Ask::default());
    for length in (0..package.len()).step_by(97) {
        assert!(
            !faults(package[..length].to_vec()).is_empty(),
            "cut to {length}"
        );
    }
}

#[test]
fn a_dropped_record_is_seen_however_well_it_is_hidden() {
    let (_log, mut files) = package(20);
    lines(&mut files, "records.jsonl", |lines| drop(lines.remove(7)));
    assert_found(&files, "event 7 has a proof and no record");
    lines(&mut files, "proofs.jsonl", |lines| drop(lines.remove(7)));
    assert_found(&files, "bytes, the manifest says");
    assert_found(&files, "has 19 lines, the manifest says 20");
    repair(&mut files);
    let found = faults(pack(&files));
    assert!(
        found.iter().any(|fault| fault.starts_with("export.json")),
        "{found:?}"
    );
    assert_found(&files, "events 7 to 7 were left out");
}

#[test]
fn a_record_that_was_asked_for_and_dropped_is_seen_by_the_manifest_alone() {
    let mut log = Log::of(20);
    let mut files = unpack(&log.package(Ask {
        q: "actor:a1",
        ..Ask::default()
    }));
    for name in ["records.jsonl", "proofs.jsonl"] {
        lines(&mut files, name, |lines| drop(lines.remove(2)));
    }
    lines(&mut files, "contents.jsonl", |lines| {
        lines.retain(|line| !line.contains("\"seq\":5,"));
    });
    repair(&mut files);
    let found = faults(pack(&files));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("export.json: the log recorded an export with manifest "),
        "{found:?}"
    );
}

#[test]
fn a_changed_record_is_named_with_its_line() {
    let (_log, mut files) = package(20);
    lines(&mut files, "records.jsonl", |lines| {
        lines[4] = lines[4].replace("\"a0\"", "\"a9\"");
    });
    repair(&mut files);
    assert_found(
        &files,
        "records.jsonl, line 5: event 4: the record is not what was logged",
    );
}

#[test]
fn a_changed_content_leaf_salt_or_proof_is_named() {
    let (_log, files) = package(20);
    for (file, from, to, expected) in [
        (
            "contents.jsonl",
            "\\\\u00e9",
            "\\\\u00ea",
            "the content is not what was logged",
        ),
        (
            "proofs.jsonl",
            "\"leaf\":\"AQ",
            "\"leaf\":\"AA",
            "event 0: ",
        ),
        (
            "proofs.jsonl",
            "\"salt_record\":\"",
            "\"salt_record\":\"A",
            "event 0: ",
        ),
        (
            "proofs.jsonl",
            "\"proof\":[\"",
            "\"proof\":[\"A",
            "event 0: hash 0",
        ),
    ] {
        let mut files = files.clone();
        lines(&mut files, file, |lines| {
            let changed = lines[0].replacen(from, to, 1);
            assert_ne!(lines[0], changed, "{file}");
            lines[0] = changed;
        });
        repair(&mut files);
        assert_found(&files, expected);
    }
}

#[test]
fn contents_and_proofs_out_of_place_are_named() {
    let (_log, files) = package(20);
    let change = |name: &str, change: &dyn Fn(&mut Vec<String>)| {
        let mut files = files.clone();
        lines(&mut files, name, change);
        repair(&mut files);
        files
    };
    let dropped = change("contents.jsonl", &|lines| drop(lines.remove(1)));
    assert_found(&dropped, "the content of event 3 is MISSING");
    let last = change("contents.jsonl", &|lines| drop(lines.pop()));
    assert_found(&last, "the content of event 18 is MISSING");
    let stray = change("contents.jsonl", &|lines| {
        lines.push("{\"seq\":19,\"content\":\"x\"}\n".to_owned());
    });
    assert_found(&stray, "event 19 has no content here");
    let no_proof = change("proofs.jsonl", &|lines| drop(lines.remove(6)));
    assert_found(&no_proof, "event 6 has no proof");
    let swapped = change("records.jsonl", &|lines| lines.swap(2, 3));
    assert!(!faults(pack(&swapped)).is_empty());
    let twice = change("records.jsonl", &|lines| lines.insert(2, lines[2].clone()));
    assert_found(&twice, "event 2 has no proof");
}

#[test]
fn another_log_is_not_taken_for_the_pinned_one() {
    let (_log, files) = package(5);
    let other = tlog::SigningKey::from_seed("log.example/t", &[8; 32]).unwrap();
    let report = check(pack(&files), Some(other.verifier()));
    let found: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
    assert!(
        found
            .iter()
            .any(|fault| fault.contains("it is another log")),
        "{found:?}"
    );
    // A package that was signed again with a key of somebody's own holds, as long as nobody asks whose key it is.
    let mut forged = Log::of(5);
    assert!(check(forged.package(Ask::default()), None).is_good());
}

#[test]
fn the_export_is_that_of_this_manifest() {
    let (log, mut files) = package(6);
    files.insert("export.json".to_owned(), log.bundle(2));
    assert_found(
        &files,
        "export.json: is not the proof of an export's record",
    );
    let mut log = Log::of(6);
    let first = unpack(&log.package(Ask::default()));
    let mut second = unpack(&log.package(Ask::default()));
    second.insert("export.json".to_owned(), first["export.json"].clone());
    assert_found(&second, "export.json");
    files.remove("export.json");
    assert_found(&files, "export.json: is missing");
}

#[test]
fn gaps_are_found_again() {
    let mut log = Log::of(20);
    let hidden = faults(log.package(Ask {
        gaps: Some(Vec::new()),
        ..Ask::default()
    }));
    assert_eq!(
        hidden,
        ["manifest.json: the gaps of producer p are not those that the records show"]
    );
    // A part of the log may lack numbers that arrived, but a gap among those that are here is none.
    let told = |from, to| {
        let gap =
            json!([{ "producer": "p", "from": from, "to": to, "after": null, "before": null }]);
        serde_json::from_value(gap).unwrap()
    };
    let ask = |gaps| Ask {
        q: "actor:a1",
        gaps: Some(gaps),
        ..Ask::default()
    };
    let mut log = Log::of(20);
    assert_eq!(faults(log.package(ask(told(5, 5)))), [""; 0]);
    let mut log = Log::of(20);
    assert_eq!(faults(log.package(ask(told(2, 3)))).len(), 1);
    let (_log, mut files) = package(20);
    files.insert("gaps.json".to_owned(), b"[]".to_vec());
    repair(&mut files);
    assert_found(&files, "gaps.json: does not say what the manifest says");
}

#[test]
fn files_that_do_not_belong_and_files_that_are_missing_are_named() {
    let (_log, files) = package(4);
    let mut more = files.clone();
    more.insert("extra.txt".to_owned(), b"x".to_vec());
    assert_found(&more, "extra.txt does not belong into a package");
    let mut unlisted = files.clone();
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    manifest["files"]
        .as_object_mut()
        .unwrap()
        .remove("verify.html");
    unlisted.insert(
        "manifest.json".to_owned(),
        manifest.to_string().into_bytes(),
    );
    assert_found(&unlisted, "verify.html: is not in the manifest");
    for name in files.keys() {
        let mut less = files.clone();
        less.remove(name);
        assert!(!faults(pack(&less)).is_empty(), "without {name}");
    }
    let mut foreign = files.clone();
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    manifest["files"]["../x"] = json!({ "sha256": "", "bytes": 0 });
    foreign.insert(
        "manifest.json".to_owned(),
        manifest.to_string().into_bytes(),
    );
    assert_found(&foreign, "../x does not belong into a package");
}

#[test]
fn so_much_that_is_wrong_is_not_told_line_by_line() {
    let (_log, mut files) = package(300);
    lines(&mut files, "records.jsonl", |lines| {
        for line in lines {
            *line = line.replace("\"source\":\"app\"", "\"source\":\"mcp\"");
        }
    });
    repair(&mut files);
    let report = check(pack(&files), None);
    assert!(
        report.is_cut && report.faults.len() < 60,
        "{}",
        report.faults.len()
    );
}

#[test]
fn endless_lines_are_not_read_to_their_end() {
    let (_log, mut files) = package(4);
    files.insert("records.jsonl".to_owned(), vec![b' '; 1 << 20]);
    repair(&mut files);
    assert_found(&files, "records.jsonl, line 1: has more than 60000 bytes");
}
