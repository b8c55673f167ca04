//! Build tasks: `cargo xtask test|interop|readme|bench`.
//!
//! In scope: running every check of the repository in one go, the examples of the README, the
//! foreign tools of `interop/`, and the benches.
//!
//! Out of scope: anything the product needs at run time. Only `anyhow` and the standard library are
//! used, so that the first check starts seconds after a clone.

mod bench;
mod browser;
mod cargo;
mod http;
mod interop;
mod pages;
mod readme;
mod server;
mod steps;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use crate::steps::Step;
use crate::workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask test [STEP...]   every check, or the named ones
       cargo xtask readme           run the examples of README.md
       cargo xtask interop          let foreign tools read a trail
       cargo xtask bench            print the figures of this machine
";

/// All checks, the cheap ones first so that a mistake shows early.
const TEST: &[Step] = &[
    Step {
        name: "pages",
        run: pages::check,
    },
    Step {
        name: "fmt",
        run: cargo::fmt,
    },
    Step {
        name: "deny",
        run: cargo::deny,
    },
    Step {
        name: "clippy",
        run: cargo::clippy,
    },
    Step {
        name: "unit",
        run: cargo::unit,
    },
    Step {
        name: "fuzz",
        run: cargo::fuzz,
    },
    Step {
        name: "readme",
        run: readme::check,
    },
    Step {
        name: "doc",
        run: cargo::doc,
    },
    Step {
        name: "scripts",
        run: interop::proofs::scripts,
    },
    Step {
        name: "interop-evidence",
        run: interop::proofs::evidence,
    },
    Step {
        name: "interop-assistants",
        run: interop::proofs::assistants,
    },
    Step {
        name: "browser-proofs",
        run: interop::proofs::cards,
    },
    Step {
        name: "interop-go",
        run: interop::go,
    },
    Step {
        name: "interop-parquet",
        run: interop::parquet,
    },
    Step {
        name: "interop-shell",
        run: interop::shell,
    },
    Step {
        name: "interop-llm",
        run: interop::llm,
    },
    Step {
        name: "interop-forward",
        run: interop::forward,
    },
    Step {
        name: "interop-mcp",
        run: interop::mcp::check,
    },
    Step {
        name: "browser",
        run: browser::check,
    },
    Step {
        name: "interop-otlp",
        run: interop::otlp,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let (task, rest) = match args.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("", args),
    };
    match task {
        "test" => steps::run(&workspace, TEST, rest),
        "readme" => steps::run(&workspace, TEST, &["readme".to_owned()]),
        "interop" => steps::run(
            &workspace,
            TEST,
            &[
                "interop-evidence",
                "interop-assistants",
                "interop-go",
                "interop-parquet",
                "interop-otlp",
                "interop-shell",
            ]
            .map(ToOwned::to_owned),
        ),
        "bench" => bench::run_all(&workspace).map(|()| ExitCode::SUCCESS),
        _ => {
            eprint!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}
