//! Proofs as their recipients see them: evidence packages, the card in pages of others, assistants.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Node, virtual_environment};
use crate::http;
use crate::server::Server;
use crate::steps::{Outcome, missing};
use crate::workspace::{Workspace, has_tool, run};

/// Events in a package: past one full tile.
const PACKAGE_EVENTS: usize = 700;
/// What hostile events look like, and a producer whose numbers 3 and 4 never arrive. The first one has a content.
const SPECIAL_EVENTS: &str = r#"{"id":"shown","actor":{"id":"release-captain"},"initiator":{"type":"user","id":"mira","name":"Mira Sørensen"},"source":"kubernetes","action":"PATCH deployments","resource":{"type":"deployment","id":"claims-api"},"approval":{"decision":"allowed","approver":"Tomás Ibarra","rule":"prod-changes"},"duration_us":184000,"job":"release-9","input":{"replicas":3},"producer":{"id":"gateway-1","seq":0}}
{"id":"hostile","actor":{"id":"a\u202egpj.exe"},"action":"<img src=x onerror=alert(1)>","resource":{"type":"x","id":"</script><script>alert(1)</script>"},"job":"release-9","usage":{"model":"m","input_tokens":5},"producer":{"id":"gateway-1","seq":1}}
{"id":"late","actor":{"id":"release-captain"},"action":"=HYPERLINK(\"http://x\")","job":"release-9","producer":{"id":"gateway-1","seq":2}}
{"id":"gap","actor":{"id":"release-captain"},"action":"order.paid","job":"release-9","producer":{"id":"gateway-1","seq":5}}
"#;
/// Where Debian puts its Chromium.
const CHROMIUM: &str = "/usr/bin/chromium";

/// The tests of the scripts, on the vectors of the formats and on packages of the Rust code.
///
/// # Errors
///
/// When one fails, or when Node is missing in continuous integration.
pub(crate) fn scripts(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("node", "--version") {
        return missing("Node is not installed");
    }
    let tests = workspace.root().join("crates/export/js/test");
    run(Command::new("node")
        .args(["--test", "--test-reporter=dot"])
        .arg(tests))?;
    Ok(Outcome::Passed)
}

/// Three verifiers that share no code on one package, and on every change of it that they know.
///
/// # Errors
///
/// When one of them errs, or when Go or Node is missing in continuous integration.
pub(crate) fn evidence(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("go", "version") || !has_tool("node", "--version") {
        return missing("Go or Node is not installed");
    }
    let program = workspace.kept("interop-go-evidence");
    let build = run(Command::new("go")
        .current_dir(workspace.root().join("interop/go"))
        .args(["build", "-o"])
        .arg(&program)
        .arg("./evidence"));
    if let Err(error) = build {
        return missing(&format!("the Go modules could not be had ({error:#})"));
    }
    let served = Served::make(workspace, "interop-evidence")?;
    for (name, args) in [
        ("whole.zip", &[][..]),
        ("part.zip", &["job:release-9"]),
        ("bare.zip", &["--no-content"]),
    ] {
        let package = served.export(name, args)?;
        let mut check = Command::new(&program);
        check.arg("-package").arg(package);
        check.arg("-vkey-file").arg(served.vkey_file());
        if name == "whole.zip" {
            let scratch = served.node.dir.join("changed");
            std::fs::create_dir_all(&scratch)?;
            check.arg("-scratch").arg(scratch);
            check.arg("-indelible").arg(served.program());
            check
                .arg("-script")
                .arg(workspace.root().join("interop/proof/packages.mjs"));
        }
        run(&mut check)?;
    }
    served.server.stop()?;
    Ok(Outcome::Passed)
}

/// The card in every state, in a page and in an assistant, the page that checks packages, and what the dashboard proves,
/// in a real browser.
///
/// # Errors
///
/// When one of them shows something else, or when there is no browser in continuous integration.
pub(crate) fn cards(workspace: &Workspace) -> Result<Outcome> {
    let tools = match browser_tools(workspace) {
        Ok(tools) => tools,
        Err(error) => return missing(&format!("no browser can be had ({error:#})")),
    };
    let served = Served::make(workspace, "browser-proofs")?;
    let package = served.export("audit.zip", &[])?;
    let pictures = workspace.scratch("pictures-proofs")?;
    let url = format!("http://{}", served.server.address());
    let mut test = Command::new("node");
    test.arg(workspace.root().join("interop/proof/browser.mjs"))
        .arg(&tools)
        .arg(&url)
        .arg(served.vkey()?)
        .arg(package)
        .arg(&pictures)
        .env("INDELIBLE_KEY", &served.key);
    for id in ["shown", "hostile"] {
        test.arg(served.bundle(id)?);
    }
    run(&mut test)?;
    run(Command::new("node")
        .arg(workspace.root().join("interop/proof/view.mjs"))
        .arg(&tools)
        .arg(&url)
        .arg(&pictures)
        .env("INDELIBLE_KEY", &served.key))?;
    run(Command::new("node")
        .arg(workspace.root().join("interop/proof/dashboard.mjs"))
        .arg(&tools)
        .args([&url, &served.vkey()?])
        .arg(&pictures)
        .env("INDELIBLE_KEY", &served.key))?;
    println!("pictures are in {}", workspace.relative(&pictures));
    served.server.stop()?;
    Ok(Outcome::Passed)
}

/// The tools for assistants, asked by the protocol's own clients for JavaScript and Python, over HTTP and over pipes.
///
/// # Errors
///
/// When a client is told something else, or when Node or Python is missing in continuous integration.
pub(crate) fn assistants(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("node", "--version") || !has_tool("python3", "--version") {
        return missing("Node or Python 3 is not installed");
    }
    let clients = node_packages(workspace).and_then(|tools| {
        Ok((
            tools,
            virtual_environment(workspace, "interop-venv", "interop/python/requirements.txt")?,
        ))
    });
    let (tools, python) = match clients {
        Ok(clients) => clients,
        Err(error) => return missing(&format!("the clients could not be had ({error:#})")),
    };
    let served = Served::make(workspace, "interop-assistants")?;
    let url = format!("http://{}", served.server.address());
    run(Command::new("node")
        .arg(workspace.root().join("interop/proof/assistant.mjs"))
        .arg(tools)
        .args([&url, &served.vkey()?])
        .arg(served.program())
        .env("INDELIBLE_KEY", &served.key))?;
    run(Command::new(python)
        .arg(workspace.root().join("interop/python/assistant.py"))
        .arg(url)
        .arg(served.program())
        .env("INDELIBLE_KEY", &served.key))?;
    served.server.stop()?;
    Ok(Outcome::Passed)
}

/// A server with events that proofs are made of.
struct Served {
    node: Node,
    server: Server,
    key: String,
}

impl Served {
    fn make(workspace: &Workspace, name: &str) -> Result<Self> {
        let node = Node::make(workspace, name)?;
        let server = node.serve()?;
        let key = node.key()?;
        let special = http::Post {
            path: "/v1/events",
            key: &key,
            media_type: "application/x-ndjson",
            body: SPECIAL_EVENTS.as_bytes(),
        };
        let answer = special.send(server.address(), 200)?;
        ensure!(answer.contains("\"rejected\":0"), "not recorded: {answer}");
        Node::ingest(&server, &key, PACKAGE_EVENTS)?;
        Ok(Self { node, server, key })
    }

    fn program(&self) -> PathBuf {
        self.node.bin_dir.join("indelible")
    }

    fn vkey_file(&self) -> PathBuf {
        self.node.data_dir().join("log.vkey")
    }

    fn vkey(&self) -> Result<String> {
        let path = self.vkey_file();
        let key = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(key.trim().to_owned())
    }

    /// `indelible` with these arguments, where the server and its key are known.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(args)
            .args(["--server", &format!("http://{}", self.server.address())])
            .env("INDELIBLE_KEY", &self.key)
            .current_dir(&self.node.dir);
        command
    }

    fn export(&self, name: &str, args: &[&str]) -> Result<PathBuf> {
        let options = ["export", "--format", "evidence", "-o", name];
        run(&mut self.command(&[&options, args].concat()))?;
        Ok(self.node.dir.join(name))
    }

    /// A file with the proof bundle of an event.
    fn bundle(&self, id: &str) -> Result<PathBuf> {
        let output = self.command(&["get", id, "--proof"]).output()?;
        ensure!(output.status.success(), "{output:?}");
        let path = self.node.dir.join(format!("{id}.json"));
        std::fs::write(&path, output.stdout)?;
        Ok(path)
    }
}

/// A directory with the pinned packages of `interop/proof`, and a browser beside them.
fn browser_tools(workspace: &Workspace) -> Result<PathBuf> {
    ensure!(has_tool("node", "--version"), "Node is not installed");
    if !Path::new(CHROMIUM).exists() {
        // Only where it may be installed at all.
        let install = ["install", "--yes", "--no-install-recommends", "chromium"];
        run(Command::new("apt-get").args(install))?;
    }
    node_packages(workspace)
}

/// The packages of `interop/proof`, installed once and again when their list changes.
fn node_packages(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.kept("interop-node");
    let source = workspace.root().join("interop/proof");
    std::fs::create_dir_all(&dir)?;
    let lock = std::fs::read(source.join("package-lock.json"))?;
    let installed = dir.join("installed.json");
    if std::fs::read(&installed).is_ok_and(|known| known == lock) {
        return Ok(dir);
    }
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(name), dir.join(name))?;
    }
    run(Command::new("npm").current_dir(&dir).args([
        "ci",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
    ]))?;
    std::fs::write(installed, lock)?;
    Ok(dir)
}
