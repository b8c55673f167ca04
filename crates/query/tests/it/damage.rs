//! Altered files give errors, never answers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use event::filter::Filter;
use indelible_query::{Engine, Event, Order, Query, QueryError, TimeRange};
use tempfile::TempDir;

use crate::{naive::everything, node::Node};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn read_all(engine: &Engine) -> Result<Vec<Event>, QueryError> {
    let all = Filter::all();
    let view = engine.snapshot()?;
    view.events(&all, TimeRange::ALL, 0..u64::MAX, Order::Oldest)?
        .collect()
}

fn actor_rows(engine: &Engine, actor: &str) -> Result<Vec<u64>, QueryError> {
    let query = Query {
        filter: event::filter::parse(&format!("actor:{actor}")).unwrap(),
        range: TimeRange::ALL,
        order: Order::Newest,
        limit: 200,
    };
    let page = engine.snapshot()?.page(&query, None)?;
    Ok(page.rows.iter().map(|row| row.seq.0).collect())
}

#[test]
fn an_altered_file_is_an_error_or_changes_nothing() {
    let node = Node::new();
    let events: Vec<String> = (0..60)
        .map(|n| {
            format!(
                r#"{{"id":"e{n}","actor":{{"id":"a{}"}},"action":"x","output":"{n}"}}"#,
                n % 3
            )
        })
        .collect();
    node.record(&events);
    let all = everything(&node);
    node.seal(61);
    let rows = actor_rows(&node.engine, "a1").unwrap();
    assert_eq!(rows.len(), 20);

    let copied = TempDir::new().unwrap();
    copy(node.dir.path(), copied.path());
    let mut errors = 0;
    for path in files(copied.path()) {
        let whole = fs::read(&path).unwrap();
        let mut altered: Vec<Vec<u8>> = (0..whole.len())
            .step_by(whole.len().div_ceil(60))
            .map(|at| {
                let mut bytes = whole.clone();
                bytes[at] ^= 0x10;
                bytes
            })
            .collect();
        altered.push(whole[..whole.len() / 2].to_vec());
        altered.push(Vec::new());
        for bytes in altered {
            fs::write(&path, &bytes).unwrap();
            let engine = node.with_segments(copied.path());
            match (read_all(&engine), actor_rows(&engine, "a1")) {
                (Ok(found), Ok(found_rows)) => {
                    assert_eq!(found, all, "{}", path.display());
                    assert_eq!(found_rows, rows, "{}", path.display());
                }
                (Err(_), Ok(found_rows)) => {
                    assert_eq!(found_rows, rows, "{}", path.display());
                    errors += 1;
                }
                (Ok(found), Err(_)) => {
                    assert_eq!(found, all, "{}", path.display());
                    errors += 1;
                }
                (Err(_), Err(_)) => errors += 1,
            }
            // Ids are found or an error, with a damaged table too.
            if let Ok(view) = engine.snapshot() {
                for event in [1, 30, 60] {
                    if let Ok(found) = view.find(&format!("e{}", event - 1)) {
                        assert_eq!(found.map(|seq| seq.0), Some(event), "{}", path.display());
                    }
                }
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(errors > 100, "{errors}");
}
