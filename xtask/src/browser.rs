//! The dashboard in a real browser, on a trail of a million events.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::server::Server;
use crate::steps::{Outcome, missing};
use crate::workspace::{Workspace, has_tool, run};

/// Events of the trail, before the hostile ones.
const EVENTS: u32 = 1_000_000;
/// Pages show the last hours, so a trail that ended long ago would have nothing to show.
const MAX_AGE: Duration = Duration::from_hours(2);
/// Where the browser is, the one of Debian first.
const BROWSERS: &[&str] = &[
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome-stable",
    "/usr/bin/google-chrome",
];
/// The first file that runs: what takes how long is measured while nothing else happened.
const FIRST: &str = "figures.test.mjs";
/// The file that makes the trail.
const GENERATOR: &str = "trail.mjs";

/// Every page with and without scripts, in both themes and on a phone, by keyboard, with hostile text.
///
/// # Errors
///
/// When a check fails, or when there is no browser in continuous integration.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("node", "--version") || !has_tool("npm", "--version") {
        return missing("Node.js and npm are not installed");
    }
    let browser = match browser() {
        Ok(browser) => browser,
        Err(error) => return missing(&format!("no Chromium could be had ({error:#})")),
    };
    let suite = match Suite::lay_out(workspace) {
        Ok(suite) => suite,
        Err(error) => return missing(&format!("the npm packages could not be had ({error:#})")),
    };
    let bin_dir = workspace.release_binary_dir()?;
    let dir = suite.trail(workspace, &bin_dir)?;
    let artifacts = workspace.scratch("browser-artifacts")?;
    let server = Server::start(&bin_dir, &dir, &["serve", "--data", "data"])?;
    for files in suite.rounds() {
        run(Command::new("node")
            .current_dir(&suite.dir)
            .args([
                "--test",
                "--test-concurrency=1",
                "--test-timeout=600000",
                "--test-reporter=spec",
            ])
            .args(files)
            .env("URL", format!("http://{}", server.address()))
            .env("KEY_FILE", dir.join("data").join("admin.key"))
            .env("CHROMIUM", browser)
            .env("ARTIFACTS", &artifacts)
            .env("INDELIBLE", bin_dir.join("indelible")))?;
    }
    server.stop()?;
    println!("pictures of the pages: {}", workspace.relative(&artifacts));
    Ok(Outcome::Passed)
}

/// A browser of this machine; Debian's is installed where that is possible.
fn browser() -> Result<&'static str> {
    let found = || {
        BROWSERS
            .iter()
            .copied()
            .find(|name| has_tool(name, "--version"))
    };
    if let Some(name) = found() {
        return Ok(name);
    }
    ensure!(has_tool("apt-get", "--version"), "none is installed");
    ensure!(is_root()?, "none is installed, and apt-get wants root");
    let apt = |args: &[&str]| {
        run(Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null()))
    };
    apt(&["update"])?;
    apt(&[
        "install",
        "--yes",
        "--no-install-recommends",
        "chromium",
        "fonts-liberation",
    ])?;
    found().context("the package has no browser")
}

fn is_root() -> Result<bool> {
    let output = Command::new("id")
        .arg("-u")
        .output()
        .context("starting id")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

/// The files of `interop/browser`, beside the packages that they import.
struct Suite {
    dir: PathBuf,
    tests: Vec<String>,
    /// Changes with the files that make the trail.
    version: u64,
}

impl Suite {
    fn lay_out(workspace: &Workspace) -> Result<Self> {
        let source = workspace.root().join("interop/browser");
        let dir = workspace.kept("browser");
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        let (mut tests, mut version) = (Vec::new(), DefaultHasher::new());
        let mut files: Vec<PathBuf> = std::fs::read_dir(&source)
            .with_context(|| source.display().to_string())?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.sort();
        for path in files {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if !path.is_file() || name == "package-lock.json" {
                continue;
            }
            let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
            std::fs::write(dir.join(name), &text).with_context(|| dir.display().to_string())?;
            if [GENERATOR, "hostile.mjs"].contains(&name) {
                text.hash(&mut version);
            }
            if name.ends_with(".test.mjs") {
                tests.push(name.to_owned());
            }
        }
        run(Command::new("npm").current_dir(&dir).args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ]))?;
        let version = version.finish();
        Ok(Self {
            dir,
            tests,
            version,
        })
    }

    fn rounds(&self) -> [Vec<&str>; 2] {
        let (first, others) = self
            .tests
            .iter()
            .map(String::as_str)
            .partition(|name| *name == FIRST);
        [first, others]
    }

    /// A fresh copy of the trail; it is made on the first run and kept for a while.
    fn trail(&self, workspace: &Workspace, bin_dir: &Path) -> Result<PathBuf> {
        let made = workspace.kept("browser-trail");
        let marker = made.join("version");
        if !self.is_fresh(&marker) {
            self.make_trail(workspace, bin_dir)?;
            std::fs::write(&marker, self.version.to_string())?;
        }
        let dir = workspace.scratch("browser-node")?;
        run(Command::new("cp")
            .arg("-r")
            .arg(made.join("data"))
            .arg(&dir))?;
        Ok(dir)
    }

    fn is_fresh(&self, marker: &Path) -> bool {
        let age = std::fs::metadata(marker)
            .and_then(|found| found.modified())
            .ok()
            .and_then(|modified| modified.elapsed().ok());
        let version = std::fs::read_to_string(marker).unwrap_or_default();
        version == self.version.to_string() && age.is_some_and(|age| age < MAX_AGE)
    }

    fn make_trail(&self, workspace: &Workspace, bin_dir: &Path) -> Result<()> {
        println!("recording {EVENTS} events");
        let dir = workspace.scratch("browser-trail")?;
        let server = Server::start(bin_dir, &dir, &["serve", "--data", "data"])?;
        let key_file = dir.join("data").join("admin.key");
        let key =
            std::fs::read_to_string(&key_file).with_context(|| key_file.display().to_string())?;
        let url = format!("http://{}", server.address());
        run(Command::new("node").current_dir(&self.dir).args([
            GENERATOR,
            &url,
            key.trim(),
            &EVENTS.to_string(),
        ]))?;
        server.stop()
    }
}
