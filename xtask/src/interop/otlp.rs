//! Exporters of OpenTelemetry, from their registries, against the telemetry routes.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Node, virtual_environment};
use crate::steps::{Outcome, missing};
use crate::workspace::{Workspace, has_tool, run};

/// Programs under instrumentation (Python, protobuf) and the exporter for JavaScript (JSON).
///
/// # Errors
///
/// When the trail is not what was sent, or when a tool is missing in continuous integration.
pub(crate) fn otlp(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("python3", "--version") || !has_tool("npm", "--version") {
        return missing("Python 3 or npm is not installed");
    }
    let python = match virtual_environment(
        workspace,
        "interop-otlp-venv",
        "interop/otlp/requirements.txt",
    ) {
        Ok(python) => python,
        Err(error) => return missing(&format!("the Python packages could not be had ({error:#})")),
    };
    let modules = match modules(workspace) {
        Ok(modules) => modules,
        Err(error) => return missing(&format!("the npm packages could not be had ({error:#})")),
    };
    let node = Node::make(workspace, "interop-otlp")?;
    let server = node.serve()?;
    let url = format!("http://{}", server.address());
    let key_file = node.data_dir().join("admin.key");
    run(Command::new(python)
        .arg(workspace.root().join("interop/otlp/programs.py"))
        .args(["--url", &url])
        .arg("--key-file")
        .arg(&key_file)
        .arg("--data")
        .arg(node.data_dir()))?;
    run(Command::new("node")
        .arg(modules.join("exporter.mjs"))
        .arg(&url)
        .arg(&key_file))?;
    server.stop()?;
    Ok(Outcome::Passed)
}

/// A directory with the pinned packages and the program that imports them.
fn modules(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.kept("interop-otlp-node");
    std::fs::create_dir_all(&dir)?;
    let source = workspace.root().join("interop/otlp");
    for name in ["package.json", "exporter.mjs"] {
        std::fs::copy(source.join(name), dir.join(name))?;
    }
    run(Command::new("npm").current_dir(&dir).args([
        "install",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--ignore-scripts",
    ]))?;
    Ok(dir)
}
