//! The examples of `README.md`, really run.
//!
//! A fenced block belongs to the test when the line before it is a comment that starts with
//! `<!-- xtask:` (see [`blocks`]). The blocks run in order, in one empty directory, with the binary
//! of this checkout on the path. The address of the README is replaced by that of a free port.

mod blocks;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use self::blocks::{Action, Block};
use crate::server::Server;
use crate::steps::Outcome;
use crate::workspace::{Workspace, has_tool};

/// The only two commands that a newcomer needs, as the page has them.
const COMMANDS: [&str; 2] = ["cargo run --release -- demo", "cargo xtask test"];
/// The first of them with the binary of the tests, to its end.
const DEMO: &str = "indelible demo --exit";
/// Where the server of the README listens.
const ADDRESS: &str = "127.0.0.1:7400";
/// Stands for any text in a line of expected output.
const ANY: char = '…';

/// # Errors
///
/// When an example fails or prints something else than the page says; names its line.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let text = std::fs::read_to_string(workspace.root().join("README.md")).context("README.md")?;
    let blocks = blocks::parse(&text)?;
    ensure!(!blocks.is_empty(), "README.md has no example");
    for command in COMMANDS {
        let block = format!("\n```sh\n{command}\n```\n");
        ensure!(text.contains(&block), "README.md has no block {command:?}");
    }
    let bin_dir = workspace.binary_dir()?;
    let mut session = Session {
        bin_dir,
        dir: &workspace.scratch("readme")?,
        server: None,
        output: String::new(),
        skipped: Vec::new(),
    };
    session.run(DEMO, 0)?;
    for block in &blocks {
        session
            .step(block)
            .with_context(|| format!("README.md:{}", block.line))?;
    }
    if let Some(server) = session.server.take() {
        server.stop()?;
    }
    if session.skipped.is_empty() {
        return Ok(Outcome::Passed);
    }
    Ok(Outcome::Skipped(format!(
        "in part: {}",
        session.skipped.join(", ")
    )))
}

/// The state that one block leaves to the next.
struct Session<'a> {
    bin_dir: &'a Path,
    dir: &'a Path,
    server: Option<Server>,
    /// What the last block printed, both streams; empty if it was left out.
    output: String,
    skipped: Vec<String>,
}

impl Session<'_> {
    fn step(&mut self, block: &Block) -> Result<()> {
        match &block.action {
            Action::Serve => self.serve(&block.text),
            Action::Run { status, needs } => {
                self.output.clear();
                match needs {
                    Some(tool) if !has_tool(tool, "--version") => {
                        self.skipped
                            .push(format!("line {} needs {tool}", block.line));
                        Ok(())
                    }
                    _ => self.run(&block.text, *status),
                }
            }
            Action::Expect => self.expect(&block.text),
        }
    }

    fn serve(&mut self, line: &str) -> Result<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(("indelible", args)) = words.split_first().map(|(first, rest)| (*first, rest))
        else {
            bail!("the block that serves must be one line that starts with `indelible`");
        };
        self.server = Some(Server::start(self.bin_dir, self.dir, args)?);
        Ok(())
    }

    fn run(&mut self, script: &str, expected: i32) -> Result<()> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut dirs = vec![self.bin_dir.to_owned()];
        dirs.extend(std::env::split_paths(&path));
        let mut command = Command::new("sh");
        let mut script = script.to_owned();
        if let Some(server) = &self.server {
            script = script.replace(ADDRESS, server.address());
            command.env("INDELIBLE_URL", format!("http://{}", server.address()));
        }
        let output = command
            .args(["-e", "-c", &script])
            .current_dir(self.dir)
            .env("HOME", self.dir)
            .env("PATH", std::env::join_paths(dirs)?)
            .output()
            .context("starting sh")?;
        self.output = String::from_utf8_lossy(&output.stdout).into_owned();
        self.output
            .push_str(&String::from_utf8_lossy(&output.stderr));
        let status = output.status.code();
        ensure!(
            status == Some(expected),
            "{:?} for\n{script}\n{}",
            output.status,
            self.output
        );
        Ok(())
    }

    /// Each line of the page is found in the output, in this order.
    fn expect(&self, text: &str) -> Result<()> {
        if self.output.is_empty() && !self.skipped.is_empty() {
            return Ok(());
        }
        let mut lines = self.output.lines();
        for wanted in text.lines().filter(|line| !line.trim().is_empty()) {
            ensure!(
                lines.any(|line| matches(wanted.trim(), line)),
                "no line {wanted:?} in the output\n{}",
                self.output
            );
        }
        Ok(())
    }
}

/// Whether `line` contains the parts of `wanted` between its [`ANY`] marks, in order.
fn matches(wanted: &str, line: &str) -> bool {
    let mut rest = line;
    wanted.split(ANY).all(|part| match rest.find(part) {
        Some(at) => {
            rest = rest.get(at + part.len()..).unwrap_or_default();
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_line_matches_by_its_parts_in_order() {
        assert!(matches(
            "seq 1 … shell.exec",
            "  seq 1  agent-7  shell.exec ok"
        ));
        assert!(!matches("shell.exec … seq 1", "seq 1 shell.exec"));
        assert!(!matches("seq 2", "seq 1"));
    }
}
