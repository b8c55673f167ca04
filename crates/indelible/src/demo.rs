//! `indelible demo`: a small job that really runs, recorded, shown and verified; and a trail of sample data to look at.

mod sample;

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use event::{Micros, RecordView};
use ledger::{Clock, SystemClock};
use serde_json::json;
use server::SAMPLE_TRAIL;
use tlog::VerifierKey;

use crate::{
    child::{ChildServer, new_key},
    client::{Client, Remote},
    get,
    query::{Ask, newest, table},
    screen::{Paint, columns},
    serve::stop_signal,
    verify,
};

const AGENT: &str = "demo-agent";
const JOB: &str = "demo";
/// The job: what an agent might do on a machine, one step failing.
const STEPS: [&[&str]; 4] = [
    &["uname", "-sm"],
    &[
        "sh",
        "-c",
        "echo 'three small words' > report.txt && wc -w report.txt",
    ],
    &["sh", "-c", "sort report.txt | tr a-z A-Z"],
    &["cat", "invoice-that-is-not-there.txt"],
];
/// Events of one request.
const SAMPLE_BATCH: usize = 2_000;
/// Rows of the table.
const ROWS: usize = 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: indelible demo --exit")]
pub(crate) struct Args {
    /// End when everything was shown, instead of serving until Ctrl-C
    #[arg(long)]
    exit: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let paint = Paint::stdout();
    let temp = tempfile::Builder::new()
        .prefix("indelible-demo-")
        .tempdir()?;
    let data = temp.path().join("data");
    let work = temp.path().join("work");
    std::fs::create_dir(&work)?;
    println!(
        "{}: a temporary trail, gone when this ends\n",
        paint.bold("Indelible demo")
    );

    let server = ChildServer::start(&data, &new_key()?, None)?;
    title(paint, "1  A server starts");
    println!("   {}\n", server.url);
    let remote = Remote {
        server: server.url.clone(),
        key: Some(server.key.clone()),
        data: data.clone(),
    };
    let client = remote.client()?;

    title(
        paint,
        "2  An agent works, every command through `indelible exec`",
    );
    for step in STEPS {
        exec(&server, &work, step, paint)?;
    }
    request(&client, paint)?;

    title(paint, "3  What the trail says, newest first");
    let records = newest(
        &client,
        Ask {
            filter: "job:demo",
            ..Ask::default()
        },
        ROWS,
    )?;
    ensure!(
        records.len() > STEPS.len(),
        "the trail has {} of {} events",
        records.len(),
        STEPS.len() + 1
    );
    for line in table(&records, columns().saturating_sub(3), paint).lines() {
        println!("   {line}");
    }
    println!();

    title(
        paint,
        "4  Nobody changed it: every record, hash and signature checked over HTTP",
    );
    let newest = records
        .first()
        .and_then(|record| RecordView::parse(record.as_bytes()).ok());
    get::proof(&client, newest.context("the trail is empty")?.seq.0)?;
    let vkey: VerifierKey = std::fs::read_to_string(data.join("log.vkey"))
        .context("log.vkey")?
        .trim_end()
        .parse()?;
    let report = verify::server(&remote, Some(&vkey))?;
    for line in report.to_text(paint).lines() {
        println!("   {line}");
    }
    ensure!(report.is_good(), "the trail of the demo does not verify");
    println!();
    if args.exit {
        server.stop()?;
        return Ok(ExitCode::SUCCESS);
    }
    let link = sample_trail(&server, &remote)?;
    look(&server, &link, paint);
    next(&server, &data, paint);
    wait()?;
    // Ctrl-C went to the server too.
    drop(server);
    println!("\nThe temporary trail is gone. `indelible serve` starts one that stays.");
    Ok(ExitCode::SUCCESS)
}

fn title(paint: Paint, text: &str) {
    println!("{}", paint.bold(text));
}

fn exec(server: &ChildServer, work: &std::path::Path, step: &[&str], paint: Paint) -> Result<()> {
    let output = Command::new(program()?)
        .args(["exec", "--"])
        .args(step)
        .current_dir(work)
        .env("INDELIBLE_URL", &server.url)
        .env("INDELIBLE_KEY", &server.key)
        .env("INDELIBLE_AGENT", AGENT)
        .env("INDELIBLE_JOB", JOB)
        .output()
        .context("cannot run a step of the demo")?;
    let line = match step {
        ["sh", "-c", script] => (*script).to_owned(),
        words => words.join(" "),
    };
    println!("   {} {line}", paint.accent("$"));
    for text in [&output.stdout, &output.stderr] {
        for line in String::from_utf8_lossy(text).lines() {
            println!("     {line}");
        }
    }
    match output.status.code() {
        Some(0) => {}
        status => println!(
            "     {}",
            paint.bad(&format!("exit status {}", status.unwrap_or(-1)))
        ),
    }
    Ok(())
}

/// A request that really runs, reported by the agent itself.
fn request(client: &Client, paint: Paint) -> Result<()> {
    let time = SystemClock.now();
    let begin = Instant::now();
    let answer = client.get("/healthz", &[])?;
    let duration_us = u64::try_from(begin.elapsed().as_micros())?;
    println!("   {} GET {}/healthz", paint.accent("→"), client.base());
    println!("     {}\n", String::from_utf8_lossy(&answer).trim_end());
    let event = http_event(client.base(), time, duration_us, &answer);
    client.post(
        "/v1/events",
        "application/json",
        event.to_string().as_bytes(),
    )?;
    Ok(())
}

fn http_event(base: &str, time: Micros, duration_us: u64, answer: &[u8]) -> serde_json::Value {
    json!({
        "time": time.to_string(), "duration_us": duration_us, "job": JOB,
        "actor": {"type": "agent", "id": AGENT}, "source": "app", "action": "http.request",
        "resource": {"type": "url", "id": format!("{base}/healthz")}, "result": "success", "status": 200,
        "input": {"method": "GET", "url": format!("{base}/healthz")},
        "output": String::from_utf8_lossy(answer),
    })
}

fn program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find this program")
}

/// Fills a trail of its own with sample data and gives the path of a link that signs in to it.
fn sample_trail(server: &ChildServer, remote: &Remote) -> Result<String> {
    let body = json!({"name": SAMPLE_TRAIL}).to_string();
    let made = remote
        .client()?
        .post("/v1/trails", "application/json", body.as_bytes())?;
    let made: serde_json::Value = serde_json::from_slice(&made)?;
    let text = |name| made.get(name).and_then(serde_json::Value::as_str);
    let client = Remote {
        server: server.url.clone(),
        key: text("key").map(ToOwned::to_owned),
        data: remote.data.clone(),
    }
    .client()?;
    let events = sample::events(SystemClock.now());
    let lines: Vec<&[u8]> = events.split_inclusive(|byte| *byte == b'\n').collect();
    for batch in lines.chunks(SAMPLE_BATCH) {
        client.post("/v1/events", "application/x-ndjson", &batch.concat())?;
    }
    let path = format!("/v1/keys/{}/link", text("key_id").unwrap_or_default());
    let link = client.post(&path, "application/json", b"")?;
    let link: serde_json::Value = serde_json::from_slice(&link)?;
    let link = link.get("link").and_then(serde_json::Value::as_str);
    Ok(link.context("the server gave no link")?.to_owned())
}

fn look(server: &ChildServer, link: &str, paint: Paint) {
    title(paint, "5  Look at it in a browser");
    let sample = paint.accent(&format!("{}{link}", server.url));
    println!("   two weeks of sample data   {sample}");
    println!("   this trail, by its key     {}/sign-in\n", server.url);
}

fn next(server: &ChildServer, data: &std::path::Path, paint: Paint) {
    let program = program().map_or_else(
        |_| "indelible".to_owned(),
        |path| path.display().to_string(),
    );
    title(paint, "Try it in another terminal while this one runs");
    println!(
        "   export INDELIBLE_URL={} INDELIBLE_KEY={}",
        server.url, server.key
    );
    for (command, what) in [
        ("exec -- echo hello", "record something of your own"),
        ("query 'result:failure'", "what went wrong"),
        ("get 2 --content", "what went in and came out"),
        ("get 2 --proof", "the proof, for somebody else"),
    ] {
        println!(
            "   {program} {command}  {}",
            paint.dim(&format!("# {what}"))
        );
    }
    println!(
        "   {program} verify {}  {}",
        data.display(),
        paint.dim("# change a byte of a file there first")
    );
    println!("\nServing. Ctrl-C ends it.");
}

fn wait() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        stop_signal()?.await;
        Ok(())
    })
}
