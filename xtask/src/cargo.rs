//! The checks that cargo and its plugins do.

use anyhow::Result;

use crate::steps::{Outcome, missing};
use crate::workspace::{Workspace, has_tool, run};

/// The crate of the fuzz bodies.
const FUZZ: &str = "fuzz/Cargo.toml";

/// Formatting, as rustfmt has it.
///
/// # Errors
///
/// When a file is formatted otherwise.
pub(crate) fn fmt(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("cargo-fmt", "--version") {
        return missing("rustfmt is not installed");
    }
    run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    run(workspace
        .cargo()
        .args(["fmt", "--manifest-path", FUZZ, "--check"]))?;
    Ok(Outcome::Passed)
}

/// Licences, duplicates and sources of the dependencies (`deny.toml`). Advisories are left out:
/// they change without the code, and need a network.
///
/// # Errors
///
/// When a dependency breaks a rule.
pub(crate) fn deny(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("cargo-deny", "--version") {
        return Ok(Outcome::Skipped("cargo-deny is not installed".to_owned()));
    }
    run(workspace.cargo().args([
        "deny",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    Ok(Outcome::Passed)
}

/// The lints of every target, warnings denied.
///
/// # Errors
///
/// When a lint finds something.
pub(crate) fn clippy(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("cargo-clippy", "--version") {
        return missing("clippy is not installed");
    }
    let args = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ];
    run(workspace.cargo().args(args))?;
    Ok(Outcome::Passed)
}

/// Every unit, integration and documentation test.
///
/// # Errors
///
/// When a test fails.
pub(crate) fn unit(workspace: &Workspace) -> Result<Outcome> {
    run(workspace
        .cargo()
        .args(["test", "--quiet", "--workspace", "--no-fail-fast"]))?;
    Ok(Outcome::Passed)
}

/// The fuzz bodies on mutated seeds, for a bounded number of runs, without libFuzzer and the nightly
/// compiler that it needs. The crate is a workspace of its own, hence its own build.
///
/// # Errors
///
/// When a body panics; the driver prints the seed.
pub(crate) fn fuzz(workspace: &Workspace) -> Result<Outcome> {
    let mut command = workspace.cargo();
    command.args([
        "test",
        "--quiet",
        "--manifest-path",
        FUZZ,
        "--no-default-features",
    ]);
    command.arg("--target-dir").arg(workspace.target_dir());
    run(command.args(["--", "--nocapture"]))?;
    Ok(Outcome::Passed)
}

/// The documentation of every crate, broken links denied.
///
/// # Errors
///
/// When rustdoc warns.
pub(crate) fn doc(workspace: &Workspace) -> Result<Outcome> {
    let args = [
        "doc",
        "--quiet",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ];
    run(workspace
        .cargo()
        .args(args)
        .env("RUSTDOCFLAGS", "--deny warnings"))?;
    Ok(Outcome::Passed)
}
