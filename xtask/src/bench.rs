//! The figures of `docs/performance.md` on this machine.

use anyhow::Result;

use crate::workspace::{Workspace, run};

/// Prints the machine and runs the micro-benches, then the load bench of the release binary.
///
/// # Errors
///
/// When a bench does not build or fails.
pub(crate) fn run_all(workspace: &Workspace) -> Result<()> {
    let cores = std::thread::available_parallelism()?;
    println!(
        "{cores} cores, {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    run(workspace.cargo().args(["bench", "--quiet", "--workspace"]))?;
    run(workspace.cargo().args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "indelible",
        "--",
        "bench",
    ]))
}
