//! A running server, over HTTP and as far as the key reaches.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result, bail};
use export::{Bundle, Content, Erasures};
use indicatif::ProgressBar;
use tlog::{Checkpoint, Frontier, Hash, TILE_WIDTH, Tile, TilePath, VerifierKey};

use super::report::{Report, TrailReport};
use crate::client::{Client, ClientError, Remote};

/// Connections that fetch proofs.
const CONNECTIONS: usize = 4;
/// Faults after which the rest is not looked at.
const FAULTS: usize = 50;

/// Checks the trail of the key.
///
/// # Errors
/// If the server does not answer: then nothing can be said.
pub(super) fn verify(remote: &Remote, pinned: Option<&VerifierKey>) -> Result<Report> {
    let begin = Instant::now();
    let client = remote.client()?;
    let mut report = Report {
        target: client.base().to_owned(),
        ..Report::default()
    };
    let text = |path: &str| -> Result<String> { Ok(String::from_utf8(client.get(path, &[])?)?) };
    let stated: VerifierKey = text("/v1/log/key")?
        .trim_end()
        .parse()
        .context("the server's verifier key is not one")?;
    let key = pinned.unwrap_or(&stated);
    let note = client.get("/v1/log/checkpoint", &[])?;
    let mut summary = TrailReport {
        name: key.name().to_owned(),
        key: key.to_string(),
        is_pinned: pinned.is_some(),
        ..TrailReport::default()
    };
    match tlog::open_checkpoint(&note, key, &[]) {
        Ok(opened) => {
            let signed = opened.checkpoint();
            summary.size = signed.size;
            summary.root = signed.root.to_string();
            summary.checkpoints = 1;
            if let Some(leaves) = tiles(&client, signed, &mut summary, &mut report)? {
                records(remote, signed, &leaves, &mut summary, &mut report)?;
            }
        }
        Err(error) => report
            .damage
            .push(format!("{}/v1/log/checkpoint: {error}", client.base())),
    }
    report.trails.push(summary);
    report.elapsed_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

/// Fetches every tile, compares the levels, and returns the leaf hashes if they have the signed root.
fn tiles(
    client: &Client,
    signed: &Checkpoint,
    summary: &mut TrailReport,
    report: &mut Report,
) -> Result<Option<Vec<Hash>>> {
    let mut frontier = Frontier::new();
    // Hashes that each level above the leaves must have.
    let mut levels: Vec<Vec<Hash>> = Vec::new();
    let mut leaves = Vec::new();
    for path in tlog::layout(signed.size) {
        let url = format!("/v1/log/{path}");
        let bytes = match client.get(&url, &[]) {
            Ok(bytes) => bytes,
            Err(ClientError::Refused(problem)) if problem.http_status == 403 => {
                report
                    .notes
                    .push(format!("tiles were not checked: {problem}"));
                return Ok(None);
            }
            Err(ClientError::Refused(problem)) if problem.http_status == 404 => {
                report
                    .damage
                    .push(format!("{}{url}: missing", client.base()));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        summary.tiles += 1;
        let wrong = match path {
            TilePath::Hashes(tile) => {
                let found = hashes(&bytes, tile);
                match (found, tile.level) {
                    (None, _) => Some("not the length of this tile"),
                    (Some(found), 0) => {
                        for hash in &found {
                            frontier.append(*hash, |level, hash| {
                                let level = usize::from(level).saturating_sub(1);
                                levels.resize_with(levels.len().max(level + 1), Vec::new);
                                if let Some(hashes) = levels.get_mut(level) {
                                    hashes.push(hash);
                                }
                            });
                        }
                        leaves.extend(found);
                        None
                    }
                    (Some(found), level) => {
                        let start = usize::try_from(tile.n * u64::from(TILE_WIDTH))?;
                        let due = levels.get(usize::from(level) - 1);
                        let due = due.and_then(|due| due.get(start..start + found.len()));
                        (due != Some(&found)).then_some("not the hashes of the tiles below")
                    }
                }
            }
            TilePath::Entries { n, width } => {
                let start = usize::try_from(n * u64::from(TILE_WIDTH))?;
                let due = leaves
                    .get(start..start + usize::from(width))
                    .unwrap_or_default();
                match tlog::decode_entries(&bytes, width) {
                    Ok(entries)
                        if entries
                            .iter()
                            .map(|entry| tlog::leaf_hash(entry))
                            .eq(due.iter().copied()) =>
                    {
                        None
                    }
                    Ok(_) => Some("not the leaves of the level-0 tile"),
                    Err(_) => Some("not a bundle of entries"),
                }
            }
        };
        if let Some(wrong) = wrong {
            report
                .damage
                .push(format!("{}{url}: {wrong}", client.base()));
        }
    }
    summary.leaves = leaves.len() as u64;
    let root = frontier.root();
    if frontier.size() != signed.size || root != signed.root {
        report.damage.push(format!(
            "{}: the tiles have root {root}, {} was signed",
            client.base(),
            signed.root
        ));
        return Ok(None);
    }
    Ok(Some(leaves))
}

fn hashes(bytes: &[u8], tile: Tile) -> Option<Vec<Hash>> {
    (bytes.len() == tile.len_bytes())
        .then(|| bytes.as_chunks().0.iter().copied().map(Hash).collect())
}

/// An event whose bytes the server did not give.
struct Gone {
    seq: u64,
    /// Its record, rather than its content alone.
    record: bool,
}

/// Counters of several connections.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    records: AtomicU64,
    contents: AtomicU64,
    withheld: AtomicU64,
    erased: AtomicU64,
    erasures: Mutex<Erasures>,
    gone: Mutex<Vec<Gone>>,
    damage: Mutex<Vec<String>>,
    failed: Mutex<Option<anyhow::Error>>,
}

/// Fetches the proof bundle of every event.
fn records(
    remote: &Remote,
    signed: &Checkpoint,
    leaves: &[Hash],
    summary: &mut TrailReport,
    report: &mut Report,
) -> Result<()> {
    let bar = ProgressBar::new(signed.size);
    let tally = Tally::default();
    let clients: Result<Vec<Client>> = (0..CONNECTIONS).map(|_| remote.client()).collect();
    std::thread::scope(|scope| {
        for client in clients? {
            let (tally, bar) = (&tally, &bar);
            scope.spawn(move || {
                if let Err(error) = walk(&client, signed, leaves, tally, bar) {
                    *tally.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            });
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    summary.records = tally.records.into_inner();
    summary.contents = tally.contents.into_inner();
    summary.erased = tally.erased.into_inner();
    report.damage.extend(
        tally
            .damage
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
    );
    let erasures = tally
        .erasures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let gone = tally
        .gone
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let missing = gone.iter().filter(|gone| {
        if gone.record {
            !erasures.has_record(gone.seq)
        } else {
            !erasures.has_content(gone.seq)
        }
    });
    report.damage.extend(missing.map(|gone| {
        format!(
            "{}/v1/events/{}/proof: the {} is MISSING: the log tells of no erasure",
            report.target,
            gone.seq,
            if gone.record { "record" } else { "content" }
        )
    }));
    match tally.withheld.into_inner() {
        0 => {}
        count => report.notes.push(format!(
            "{count} contents were not checked: the key lacks scope content"
        )),
    }
    match tally
        .failed
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        Some(error) if error.to_string().contains("answered 403") => {
            report
                .notes
                .push(format!("records were not checked: {error:#}"));
            Ok(())
        }
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn walk(
    client: &Client,
    signed: &Checkpoint,
    leaves: &[Hash],
    tally: &Tally,
    bar: &ProgressBar,
) -> Result<()> {
    let size = signed.size.to_string();
    loop {
        let seq = tally.next.fetch_add(1, Ordering::Relaxed);
        let Some(leaf) = usize::try_from(seq).ok().and_then(|seq| leaves.get(seq)) else {
            return Ok(());
        };
        let path = format!("/v1/events/{seq}/proof");
        let fault = match client.get(&path, &[("size", &size)]) {
            Ok(body) => check(&body, seq, signed, *leaf, tally).err(),
            // A server that finds damage in its own files refuses to give them out.
            Err(ClientError::Refused(problem))
                if problem.http_status >= 500 || problem.http_status == 404 =>
            {
                Some(problem.to_string())
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(fault) = fault {
            let mut damage = tally.damage.lock().unwrap_or_else(PoisonError::into_inner);
            damage.push(format!("{}{path}: {fault}", client.base()));
            if damage.len() >= FAULTS {
                bail!("more than {FAULTS} faults: the rest was not looked at");
            }
        }
        bar.inc(1);
    }
}

fn check(
    body: &[u8],
    seq: u64,
    signed: &Checkpoint,
    leaf: Hash,
    tally: &Tally,
) -> Result<(), String> {
    let bundle: Bundle =
        serde_json::from_slice(body).map_err(|error| format!("not a proof bundle: {error}"))?;
    if bundle.index != seq {
        return Err(format!("the bundle is of event {}", bundle.index));
    }
    let verdict = bundle.check(signed).map_err(|error| error.to_string())?;
    if verdict.leaf_hash != leaf {
        return Err("another leaf than in the tile".to_owned());
    }
    let lacks_content = bundle.lacks_content(&verdict);
    if let Some(view) = bundle.view() {
        let mut erasures = tally
            .erasures
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        erasures.learn(&view);
    }
    if !verdict.record || lacks_content {
        let mut gone = tally.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.push(Gone {
            seq,
            record: !verdict.record,
        });
    }
    for (is_so, counter) in [
        (verdict.record, &tally.records),
        (verdict.content == Content::Present, &tally.contents),
        (bundle.content_withheld, &tally.withheld),
        (!verdict.record, &tally.erased),
    ] {
        counter.fetch_add(u64::from(is_so), Ordering::Relaxed);
    }
    Ok(())
}
