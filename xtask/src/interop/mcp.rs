//! The official clients and servers of the Model Context Protocol, through the relay and the proxy. What they saw is compared
//! with the trail, action by action.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Node, virtual_environment};
use crate::steps::{Outcome, missing};
use crate::workspace::{Workspace, has_tool, run};

/// Longest wait for a server of the packages.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// What the clients planted in arguments.
const SECRET: &[u8] = b"PlantedSecretPlantedSecret";

/// A server of the packages, killed when dropped.
struct Counterpart(Child);

/// # Errors
///
/// When a check fails, or when Node.js or Python is missing in continuous integration.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    for tool in ["node", "npm", "python3"] {
        if !has_tool(tool, "--version") {
            return missing(&format!("{tool} is not installed"));
        }
    }
    let python = match virtual_environment(
        workspace,
        "interop-mcp-venv",
        "interop/python/mcp-requirements.txt",
    ) {
        Ok(python) => python,
        Err(error) => return missing(&format!("the Python packages could not be had ({error:#})")),
    };
    let packages = match packages(workspace) {
        Ok(packages) => packages,
        Err(error) => return missing(&format!("the npm packages could not be had ({error:#})")),
    };
    let node = Node::make(workspace, "interop-mcp")?;
    let everything =
        packages.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let script = |name: &str| workspace.root().join("interop").join(name);
    let mut ports = Vec::new();
    let mut servers = Vec::new();
    for kind in ["streamableHttp", "sse", "python"] {
        let port = free_port()?;
        let mut command = if kind == "python" {
            let mut command = Command::new(&python);
            command
                .arg(script("python/mcp_server.py"))
                .args(["http", &port.to_string()]);
            command
        } else {
            let mut command = Command::new("node");
            command
                .arg(&everything)
                .arg(kind)
                .env("PORT", port.to_string());
            command
        };
        servers.push(Counterpart::start(&mut command, port)?);
        ports.push(port);
    }
    let [streamable, oldest, modern] = ports.as_slice() else {
        unreachable!("three servers were started");
    };
    let gateway = free_port()?;
    let settings = format!(
        "[mcp]\nlisten = \"127.0.0.1:{gateway}\"\n[mcp.upstream]\neverything = \"http://127.0.0.1:{streamable}/mcp\"\n\
         oldest = \"http://127.0.0.1:{oldest}\"\npython = \"http://127.0.0.1:{modern}/mcp\"\n"
    );
    std::fs::write(node.dir.join("serve.toml"), settings)?;
    let server = crate::server::Server::start(
        &node.bin_dir,
        &node.dir,
        &["serve", "--data", "data", "--config", "serve.toml"],
    )?;
    let files = node.dir.join("files");
    std::fs::create_dir_all(&files)?;
    let files = files.canonicalize()?;
    let (happened, trail) = (
        node.dir.join("happened.jsonl"),
        node.dir.join("trail.jsonl"),
    );
    let indelible = node.bin_dir.join("indelible");
    let key = node.key()?;
    let with = |program: &Path, script: PathBuf| {
        let mut command = Command::new(program);
        command
            .arg(script)
            .env("PACKAGES", &packages)
            .env("INDELIBLE", &indelible)
            .env("INDELIBLE_URL", format!("http://{}", server.address()))
            .env("INDELIBLE_KEY", &key)
            .env("INDELIBLE_SPOOL", node.dir.join("spool"))
            .env("GATEWAY", format!("http://127.0.0.1:{gateway}"))
            .env("FILES", &files)
            .env("HAPPENED", &happened)
            .env("TRAIL", &trail);
        command
    };
    run(&mut with(Path::new("node"), script("mcp/client.mjs")))?;
    run(&mut with(&python, script("python/mcp_client.py")))?;
    drop(servers);
    let mut export = with(&indelible, PathBuf::from("export"));
    run(export.arg("source:mcp").arg("--output").arg(&trail))?;
    run(&mut with(Path::new("node"), script("mcp/check.mjs")))?;
    server.stop()?;
    for dir in ["data", "spool"] {
        without_secret(&node.dir.join(dir))?;
    }
    Ok(Outcome::Passed)
}

/// The pinned packages, installed on the first run and when the pins change.
fn packages(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.kept("interop-mcp-packages");
    std::fs::create_dir_all(&dir)?;
    let source = workspace.root().join("interop/mcp");
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(name), dir.join(name)).context(name)?;
    }
    let wanted = std::fs::read(dir.join("package-lock.json"))?;
    let mark = dir.join("installed");
    if std::fs::read(&mark).unwrap_or_default() != wanted {
        run(Command::new("npm").current_dir(&dir).args([
            "ci",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ]))?;
        std::fs::write(&mark, wanted)?;
    }
    Ok(dir)
}

impl Counterpart {
    fn start(command: &mut Command, port: u16) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting a server of the packages")?;
        let this = Self(child);
        let deadline = Instant::now() + START_TIMEOUT;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(Instant::now() < deadline, "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(this)
    }
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn without_secret(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            without_secret(&path)?;
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let is_there = bytes.windows(SECRET.len()).any(|window| window == SECRET);
        ensure!(!is_there, "{} holds a planted secret", path.display());
    }
    Ok(())
}
