//! A trail written by the binary, read and checked by tools that share no code with it.
//!
//! A trail with a key and a public one are made once and read over HTTP while nothing is sealed, over HTTP
//! after a restart when everything is, and as plain Parquet files.

mod events;
pub(crate) mod mcp;
mod otlp;
pub(crate) mod proofs;
mod shell;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

pub(crate) use otlp::otlp;
pub(crate) use shell::shell;

use crate::http;
use crate::server::Server;
use crate::steps::{Outcome, missing};
use crate::workspace::{Workspace, has_tool, run};

/// Events of the trail `default`: past one full level-1 tile and one epoch (65,536 each), and of a size that
/// leaves a partial tile on every level.
const EVENTS: usize = 70_000;
/// Events of the public trail: past one full tile.
const PUBLIC_EVENTS: usize = 700;
/// The name of that trail.
const PUBLIC: &str = "open";
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
    let node = Node::make(workspace, "interop-go")?;
    let mut server = node.serve()?;
    let key = node.key()?;
    Node::ingest(&server, &key, EVENTS)?;
    let public_key = node.create_public(&server)?;
    Node::ingest(&server, &public_key, PUBLIC_EVENTS)?;
    let log = format!("/trails/{PUBLIC}/log/");
    node.run_go(&program, &server, "default", &["-log", "/v1/log/"], &key)?;
    let args = ["-log", &log, "-plant-faults"];
    node.run_go(&program, &server, PUBLIC, &args, &public_key)?;
    server.stop()?;
    server = node.serve()?;
    node.run_go(&program, &server, "default", &["-log", "/v1/log/"], &key)?;
    node.run_go(&program, &server, PUBLIC, &["-log", &log], &public_key)?;
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
    let python =
        match virtual_environment(workspace, "interop-venv", "interop/python/requirements.txt") {
            Ok(python) => python,
            Err(error) => {
                return missing(&format!("the Python packages could not be had ({error:#})"));
            }
        };
    let node = Node::make(workspace, "interop-parquet")?;
    let server = node.serve()?;
    Node::ingest(&server, &node.key()?, EVENTS)?;
    server.stop()?;
    let server = node.serve()?;
    run(Command::new(python)
        .arg(workspace.root().join("interop/python/segments.py"))
        .arg("--data")
        .arg(node.data_dir())
        .arg("--readme")
        .arg(workspace.root().join("README.md"))
        .args(["--url", &format!("http://{}", server.address())])
        .arg("--key-file")
        .arg(node.data_dir().join("admin.key")))?;
    server.stop()?;
    Ok(Outcome::Passed)
}

/// curl, git, pip, npm, cargo and Python's requests through the forward proxy, to a host with TLS of its own. Those that are
/// not installed are left out.
///
/// # Errors
///
/// When a check fails, or when Python is missing in continuous integration.
pub(crate) fn forward(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("python3", "--version") {
        return missing("Python 3 is not installed");
    }
    let python = match virtual_environment(
        workspace,
        "interop-forward-venv",
        "interop/python/forward-requirements.txt",
    ) {
        Ok(python) => python,
        Err(error) => return missing(&format!("the Python packages could not be had ({error:#})")),
    };
    run(Command::new(python)
        .arg(workspace.root().join("interop/python/forward.py"))
        .arg("--binary")
        .arg(workspace.binary_dir()?.join("indelible"))
        .arg("--work")
        .arg(workspace.scratch("interop-forward")?))?;
    Ok(Outcome::Passed)
}

/// The clients of OpenAI, Anthropic, Google and AWS through the LLM proxy, to an upstream that answers as these do.
///
/// # Errors
///
/// When a check fails, or when Python is missing in continuous integration.
pub(crate) fn llm(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("python3", "--version") {
        return missing("Python 3 is not installed");
    }
    let pinned_in = "interop/python/llm-requirements.txt";
    let python = match virtual_environment(workspace, "interop-llm-venv", pinned_in) {
        Ok(python) => python,
        Err(error) => return missing(&format!("the Python packages could not be had ({error:#})")),
    };
    run(Command::new(python)
        .arg(workspace.root().join("interop/python/llm.py"))
        .arg("--binary")
        .arg(workspace.binary_dir()?.join("indelible"))
        .arg("--work")
        .arg(workspace.scratch("interop-llm")?))?;
    Ok(Outcome::Passed)
}

/// The Python of an environment with the packages that a file pins, made on the first run.
fn virtual_environment(workspace: &Workspace, name: &str, pinned_in: &str) -> Result<PathBuf> {
    let dir = workspace.kept(name);
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
        .arg(workspace.root().join(pinned_in)))?;
    Ok(python)
}

/// The directory of one server and the binary that serves it.
struct Node {
    bin_dir: PathBuf,
    dir: PathBuf,
}

impl Node {
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

    /// Creates the trail [`PUBLIC`] and returns its admin key.
    fn create_public(&self, server: &Server) -> Result<String> {
        let key = self.key()?;
        let body = format!(r#"{{"name":"{PUBLIC}","public":true}}"#);
        let call = http::Post {
            path: "/v1/trails",
            key: &key,
            media_type: "application/json",
            body: body.as_bytes(),
        };
        let answer = call.send(server.address(), 201)?;
        let (_, rest) = answer
            .split_once("\"key\":\"")
            .with_context(|| format!("no key in {answer}"))?;
        let (key, _) = rest.split_once('"').context("an open string")?;
        Ok(key.to_owned())
    }

    fn ingest(server: &Server, key: &str, count: usize) -> Result<()> {
        println!("{count} events of seed {SEED:#x}");
        let mut events = events::Generator::new(SEED);
        let mut left = count;
        while left > 0 {
            let count = left.min(BATCH);
            let mut body = String::new();
            for _ in 0..count {
                events.append(&mut body);
            }
            let call = http::Post {
                // The last answer waits for the signed checkpoint that the checks start from.
                path: if left > BATCH {
                    "/v1/events"
                } else {
                    "/v1/events?ack=integrated"
                },
                key,
                media_type: "application/x-ndjson",
                body: body.as_bytes(),
            };
            let answer = call.send(server.address(), 200)?;
            ensure!(
                answer.contains(&format!("\"recorded\":{count},")),
                "not recorded: {answer}"
            );
            left -= count;
        }
        Ok(())
    }

    /// Checks `trail` with a key of it.
    fn run_go(
        &self,
        program: &Path,
        server: &Server,
        trail: &str,
        args: &[&str],
        key: &str,
    ) -> Result<()> {
        let key_file = self.dir.join("key");
        std::fs::write(&key_file, key).with_context(|| key_file.display().to_string())?;
        let vkey_file = self.data_dir().join("trails").join(trail).join("log.vkey");
        run(Command::new(program)
            .args(["-url", &format!("http://{}", server.address())])
            .args(args)
            .arg("-vkey-file")
            .arg(vkey_file)
            .arg("-key-file")
            .arg(key_file))
    }
}
