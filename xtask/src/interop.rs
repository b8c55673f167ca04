//! A trail written by the binary, read and checked by tools that share no code with it.
//!
//! The trail is made once and read three times: over HTTP while nothing is sealed, over HTTP after a
//! restart when everything is, and as plain Parquet files.

mod events;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::http;
use crate::server::Server;
use crate::steps::Outcome;
use crate::workspace::{Workspace, has_tool, in_ci, run};

/// Events of the trail: past one full level-1 tile and one epoch (65,536 each), and of a size that
/// leaves a partial tile on every level.
const EVENTS: usize = 70_000;
/// Events of one request.
const BATCH: usize = 500;
/// The seed of the events, printed when they are made.
const SEED: u64 = 0x1ed6_e11b;

/// The reference packages of the Go project, and Tessera's `fsck`, over HTTP.
///
/// # Errors
///
/// When a check fails, or when Go is missing in continuous integration.
pub(crate) fn go(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("go", "version") {
        return missing("Go is not installed");
    }
    let program = workspace.kept("interop-go-check");
    let source = workspace.root().join("interop/go");
    let build = run(Command::new("go")
        .current_dir(&source)
        .args(["build", "-o"])
        .arg(&program)
        .arg("."));
    if let Err(error) = build {
        return missing(&format!("the Go modules could not be had ({error:#})"));
    }
    let trail = Trail::make(workspace, "interop-go")?;
    let server = trail.serve()?;
    trail.ingest(&server)?;
    trail.run_go(&program, &server)?;
    server.stop()?;
    let server = trail.serve()?;
    trail.run_go(&program, &server)?;
    server.stop()?;
    Ok(Outcome::Passed)
}

/// DuckDB and pyarrow, on the files.
///
/// # Errors
///
/// When a check fails, or when Python is missing in continuous integration.
pub(crate) fn parquet(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("python3", "--version") {
        return missing("Python 3 is not installed");
    }
    let python = match virtual_environment(workspace) {
        Ok(python) => python,
        Err(error) => return missing(&format!("the Python packages could not be had ({error:#})")),
    };
    let trail = Trail::make(workspace, "interop-parquet")?;
    let server = trail.serve()?;
    trail.ingest(&server)?;
    server.stop()?;
    let server = trail.serve()?;
    run(Command::new(python)
        .arg(workspace.root().join("interop/python/segments.py"))
        .arg("--data")
        .arg(trail.data_dir())
        .args(["--url", &format!("http://{}", server.address())])
        .arg("--key-file")
        .arg(trail.data_dir().join("admin.key")))?;
    server.stop()?;
    Ok(Outcome::Passed)
}

/// A tool that is missing is a failure in continuous integration only.
fn missing(what: &str) -> Result<Outcome> {
    ensure!(!in_ci(), "{what}");
    Ok(Outcome::Skipped(what.to_owned()))
}

/// The Python of an environment with the pinned packages, made on the first run.
fn virtual_environment(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.kept("interop-venv");
    let python = dir.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
    }
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(workspace.root().join("interop/python/requirements.txt")))?;
    Ok(python)
}

/// The directory of one server and the binary that serves it.
struct Trail {
    bin_dir: PathBuf,
    dir: PathBuf,
}

impl Trail {
    fn make(workspace: &Workspace, name: &str) -> Result<Self> {
        Ok(Self {
            bin_dir: workspace.binary_dir()?.to_owned(),
            dir: workspace.scratch(name)?,
        })
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn serve(&self) -> Result<Server> {
        Server::start(&self.bin_dir, &self.dir, &["serve", "--data", "data"])
    }

    fn key(&self) -> Result<String> {
        let path = self.data_dir().join("admin.key");
        let key = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(key.trim().to_owned())
    }

    fn ingest(&self, server: &Server) -> Result<()> {
        println!("{EVENTS} events of seed {SEED:#x}");
        let key = self.key()?;
        let mut events = events::Generator::new(SEED);
        let mut left = EVENTS;
        while left > 0 {
            let count = left.min(BATCH);
            // The last answer waits for the signed checkpoint that the checks start from.
            let path = if left > BATCH {
                "/v1/events"
            } else {
                "/v1/events?ack=integrated"
            };
            let mut body = String::new();
            for _ in 0..count {
                events.append(&mut body);
            }
            let answer = http::post(server.address(), path, &key, body.as_bytes())?;
            ensure!(
                answer.contains(&format!("\"recorded\":{count},")),
                "not recorded: {answer}"
            );
            left -= count;
        }
        Ok(())
    }

    fn run_go(&self, program: &Path, server: &Server) -> Result<()> {
        run(Command::new(program)
            .args(["-url", &format!("http://{}", server.address())])
            .arg("-vkey-file")
            .arg(self.data_dir().join("log.vkey"))
            .arg("-key-file")
            .arg(self.data_dir().join("admin.key")))
    }
}
