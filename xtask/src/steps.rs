//! Running a list of checks and counting them.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::workspace::{Workspace, in_ci};

/// One check of the repository.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// The check itself; an error is a failure.
    pub(crate) run: fn(&Workspace) -> Result<Outcome>,
}

/// How a check that did not fail ended.
pub(crate) enum Outcome {
    /// Everything was checked.
    Passed,
    /// Nothing or only a part was checked, because the machine lacks something.
    Skipped(String),
}

/// A tool that is missing is a failure in continuous integration only.
///
/// # Errors
///
/// There, and says what is missing.
pub(crate) fn missing(what: &str) -> Result<Outcome> {
    ensure!(!in_ci(), "{what}");
    Ok(Outcome::Skipped(what.to_owned()))
}

/// Runs the steps named in `only` (all of them if it is empty) to the end, whatever fails, and
/// prints the count.
///
/// # Errors
///
/// When a name in `only` is not a step.
pub(crate) fn run(workspace: &Workspace, steps: &[Step], only: &[String]) -> Result<ExitCode> {
    for name in only {
        let known: Vec<&str> = steps.iter().map(|step| step.name).collect();
        ensure!(
            known.contains(&name.as_str()),
            "no step {name:?}; there are {}",
            known.join(", ")
        );
    }
    let (mut passed, mut failed, mut skipped) = (0_u32, Vec::new(), Vec::new());
    for step in steps {
        if !only.is_empty() && !only.iter().any(|name| name == step.name) {
            continue;
        }
        println!("== {}", step.name);
        let start = Instant::now();
        let result = (step.run)(workspace);
        let seconds = start.elapsed().as_secs();
        match result {
            Ok(Outcome::Passed) => {
                println!("== {}: passed ({seconds} s)", step.name);
                passed += 1;
            }
            Ok(Outcome::Skipped(why)) => {
                println!("== {}: skipped, {why}", step.name);
                skipped.push(format!("{}: {why}", step.name));
            }
            Err(error) => {
                println!("== {}: FAILED ({seconds} s): {error:#}", step.name);
                failed.push(format!("{}: {error:#}", step.name));
            }
        }
    }
    println!();
    for line in &skipped {
        println!("skipped {line}");
    }
    for line in &failed {
        println!("failed {line}");
    }
    println!("{passed} passed, {} failed", failed.len());
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
