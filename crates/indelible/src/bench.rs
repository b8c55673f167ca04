//! `indelible bench`: a load that can be had again, and what the server made of it.

mod events;
mod load;
mod machine;
mod tails;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::{
    child::{ChildServer, new_key},
    client::Remote,
    verify,
};
use load::{Load, Measured};
use tails::Tails;

/// Events in a batch, and connections that send batches.
const BATCH: usize = 500;
const BATCH_CONNECTIONS: usize = 8;
/// Connections that send single events.
const SINGLE_CONNECTIONS: usize = 64;
/// Rounds without and with open streams, in turn: what else the machine does meets both.
const TAIL_ROUNDS: u64 = 3;
/// Connections that fetch proofs.
const PROOF_CONNECTIONS: usize = 16;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: indelible bench --events 2000000 > report.json\n\n\
    Starts a server of its own on a temporary directory; client and server share the machine."
)]
pub(crate) struct Args {
    /// Events sent in batches of 500 on 8 connections
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    events: u64,
    /// Events sent one by one on 64 connections
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    singles: u64,
    /// Proof bundles fetched
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    proofs: u64,
    /// Times the newest 200 are listed
    #[arg(long, default_value_t = 500, value_name = "N")]
    lists: u64,
    /// Streams that are open while half of as many events again is sent; the other half is sent without them
    #[arg(long, default_value_t = 0, value_name = "N")]
    tails: usize,
    /// Events that are unsealed when a second server is killed; measures its start
    #[arg(long, default_value_t = 0, value_name = "N")]
    recover: u64,
    /// Seed of the events
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    seed: u64,
    /// Directory for the data; kept. A temporary one without it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Measure this server instead of one of our own (no figures of disk, memory and start)
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Key for --server
    #[arg(
        long,
        env = "INDELIBLE_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    key: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut report = Map::new();
    report.insert("machine".to_owned(), machine::describe());
    report.insert("seed".to_owned(), args.seed.into());
    match &args.server {
        Some(url) => {
            let key = args.key.clone().context("--server needs --key")?;
            phases(args, &runtime, &Load::new(url, &key)?, None, &mut report)?;
        }
        None => own_server(args, &runtime, &mut report)?,
    }
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(ExitCode::SUCCESS)
}

fn own_server(
    args: &Args,
    runtime: &tokio::runtime::Runtime,
    report: &mut Map<String, Value>,
) -> Result<()> {
    let temp = tempfile::Builder::new()
        .prefix("indelible-bench-")
        .tempdir()?;
    let dir = args.dir.clone().unwrap_or_else(|| temp.path().join("data"));
    let server = ChildServer::start(&dir, &new_key()?, None)?;
    report.insert(
        "idle_rss_bytes".to_owned(),
        machine::memory(server.id()).now.into(),
    );
    let load = Load::new(&server.url, &server.key)?;
    let sent_bytes = phases(args, runtime, &load, Some(server.id()), report)?;
    report.insert(
        "peak_rss_bytes".to_owned(),
        machine::memory(server.id()).peak.into(),
    );
    let (key, begin) = (server.key.clone(), Instant::now());
    server.stop()?;
    report.insert("stop_ms".to_owned(), millis(begin));
    let disk_bytes = machine::disk_bytes(&dir);
    let tailed = if args.tails > 0 { args.events } else { 0 };
    let events = args.events + args.singles + tailed;
    report.insert(
        "disk".to_owned(),
        json!({
            "bytes": disk_bytes,
            "bytes_per_event": ratio(disk_bytes, events),
            "raw_bytes_per_event": ratio(sent_bytes, events),
            "of_raw": ratio(disk_bytes, sent_bytes),
        }),
    );
    eprintln!("verify");
    let begin = Instant::now();
    let verified = verify::data_dir(&dir)?;
    let records: u64 = verified.trails.iter().map(|trail| trail.records).sum();
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let per_s = (records as f64 / seconds).round();
    report.insert(
        "verify".to_owned(),
        json!({"ok": verified.is_good(), "records": records, "per_s": per_s}),
    );
    let server = ChildServer::start(&dir, &key, None)?;
    report.insert(
        "start_sealed".to_owned(),
        json!({
            "events": events,
            "ms": u64::try_from(server.start.as_millis())?,
            "rss_bytes": machine::memory(server.id()).now,
        }),
    );
    server.stop()?;
    if args.recover > 0 {
        report.insert(
            "start_after_kill".to_owned(),
            recover(args, runtime, temp.path())?,
        );
    }
    Ok(())
}

/// Start of a server that was killed with everything still in its write-ahead log.
fn recover(args: &Args, runtime: &tokio::runtime::Runtime, temp: &Path) -> Result<Value> {
    eprintln!("recover");
    let dir = temp.join("recover");
    let config = temp.join("recover.toml");
    std::fs::write(
        &config,
        "[log]\nhot_limit_mib = 65536\n[segments]\nseal_mib = 65536\n",
    )?;
    let server = ChildServer::start(&dir, &new_key()?, Some(&config))?;
    let key = server.key.clone();
    let load = Load::new(&server.url, &key)?;
    runtime.block_on(load.batches(args.recover, BATCH, BATCH_CONNECTIONS, args.seed))?;
    server.kill()?;
    let server = ChildServer::start(&dir, &key, Some(&config))?;
    let answer = json!({"events": args.recover, "ms": u64::try_from(server.start.as_millis())?});
    server.kill()?;
    Ok(answer)
}

/// Runs the load on the server of a process, if it is known; bytes of events sent.
fn phases(
    args: &Args,
    runtime: &tokio::runtime::Runtime,
    load: &Load,
    process: Option<u32>,
    report: &mut Map<String, Value>,
) -> Result<u64> {
    let mut put = |name: &str, measured: &Measured| {
        eprintln!("{name}: {}", measured.line());
        report.insert(name.to_owned(), measured.to_json());
    };
    let batches =
        runtime.block_on(load.batches(args.events, BATCH, BATCH_CONNECTIONS, args.seed))?;
    put("batches", &batches);
    let singles =
        runtime.block_on(load.batches(args.singles, 1, SINGLE_CONNECTIONS, args.seed + 1))?;
    put("singles", &singles);
    if args.lists > 0 {
        put(
            "newest_200",
            &runtime.block_on(load.gets(args.lists, 1, |_| "/v1/events?limit=200".to_owned()))?,
        );
    }
    if args.proofs > 0 {
        wait_signed(load)?;
        let events = args.events.max(1);
        let path = move |n: u64| {
            format!(
                "/v1/events/{}/proof",
                n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % events
            )
        };
        put(
            "proofs",
            &runtime.block_on(load.gets(args.proofs, PROOF_CONNECTIONS, path))?,
        );
    }
    let mut bytes = batches.bytes + singles.bytes;
    if args.tails > 0 {
        let (tails, sent_bytes) = with_tails(args, runtime, load, process)?;
        report.insert("tails".to_owned(), tails);
        bytes += sent_bytes;
    }
    Ok(bytes)
}

/// Ingest without and with open streams, and the bytes of events sent for that.
fn with_tails(
    args: &Args,
    runtime: &tokio::runtime::Runtime,
    load: &Load,
    process: Option<u32>,
) -> Result<(Value, u64)> {
    let events = args.events / (2 * TAIL_ROUNDS);
    let mut bytes = 0;
    let mut ingest = |random: u64| -> Result<Value> {
        let before_ms = process.map(machine::cpu_ms);
        let measured = runtime.block_on(load.batches(events, BATCH, BATCH_CONNECTIONS, random))?;
        bytes += measured.bytes;
        let mut told = measured.to_json();
        if let (Some(process), Some(before_ms)) = (process, before_ms) {
            let cpu_ms = machine::cpu_ms(process).saturating_sub(before_ms);
            if let Some(told) = told.as_object_mut() {
                told.insert("server_cpu_ms".to_owned(), cpu_ms.into());
            }
            eprintln!("  {}, server {cpu_ms} ms of processor", measured.line());
        }
        Ok(told)
    };
    let (mut without, mut with, mut tails_saw) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..TAIL_ROUNDS {
        let seed = args.seed + 2 + 2 * round;
        eprintln!("without tails");
        without.push(ingest(seed)?);
        let tails = Tails::open(args.tails, load.authority(), load.key())?;
        eprintln!("with {} tails", args.tails);
        with.push(ingest(seed + 1)?);
        tails_saw.push(tails.close()?);
    }
    let told = json!({"without": without, "with": with, "seen": tails_saw});
    Ok((told, bytes))
}

/// Waits until the newest event has a checkpoint, so that no proof is refused.
fn wait_signed(load: &Load) -> Result<()> {
    let remote = Remote {
        server: load.url().to_owned(),
        key: Some(load.key().to_owned()),
        data: PathBuf::new(),
    };
    let client = remote.client()?;
    let body = client.get("/v1/events", &[("limit", "1")])?;
    let page: Value = serde_json::from_slice(&body)?;
    let newest = page
        .pointer("/data/0/seq")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    crate::get::proof(&client, newest)?;
    Ok(())
}

fn millis(begin: Instant) -> Value {
    u64::try_from(begin.elapsed().as_millis())
        .unwrap_or(u64::MAX)
        .into()
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64 * 1_000.0).round() / 1_000.0
}
