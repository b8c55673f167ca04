//! Where things are: the checkout, the build directory, the tools of the machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Directories that hold nothing of ours.
const SKIPPED_DIRS: &[&str] = &[
    ".git",
    "target",
    "node_modules",
    "indelible-data",
    "artifacts",
];

/// The checkout that this program was built from, and the build directory it lies in.
pub(crate) struct Workspace {
    root: PathBuf,
    profile_dir: PathBuf,
}

impl Workspace {
    /// # Errors
    ///
    /// When the path of the running program cannot be told.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent")?;
        let program = std::env::current_exe().context("path of the running program")?;
        let profile_dir = program.parent().context("program has no directory")?;
        Ok(Self {
            root: root.to_owned(),
            profile_dir: profile_dir.to_owned(),
        })
    }

    /// The top of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The build directory, shared by everything that is built here.
    pub(crate) fn target_dir(&self) -> &Path {
        self.profile_dir.parent().unwrap_or(&self.profile_dir)
    }

    /// A fresh, empty directory below the build directory. It is left behind for a look after a
    /// failure and emptied by the next run.
    ///
    /// # Errors
    ///
    /// When it cannot be emptied or created.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let dir = self.kept(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| format!("emptying {}", dir.display()))?;
        }
        std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        Ok(dir)
    }

    /// A directory below the build directory that survives runs; not created here.
    pub(crate) fn kept(&self, name: &str) -> PathBuf {
        self.profile_dir.join("xtask-scratch").join(name)
    }

    /// A cargo command at the top of the checkout.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        command
    }

    /// Builds the binary with the profile of the tests, whose objects it shares, and returns the
    /// directory it lies in.
    ///
    /// # Errors
    ///
    /// When it does not build.
    pub(crate) fn binary_dir(&self) -> Result<&Path> {
        run(self
            .cargo()
            .args(["build", "--quiet", "--package", "indelible"]))?;
        let binary = self.profile_dir.join("indelible");
        ensure!(binary.exists(), "cargo built no {}", binary.display());
        Ok(&self.profile_dir)
    }

    /// Builds the binary as it is released and returns the directory it lies in: for checks on more events than
    /// an unoptimised one can record and read in the time.
    ///
    /// # Errors
    ///
    /// When it does not build.
    pub(crate) fn release_binary_dir(&self) -> Result<PathBuf> {
        run(self
            .cargo()
            .args(["build", "--quiet", "--package", "indelible", "--release"]))?;
        let dir = self.target_dir().join("release");
        let binary = dir.join("indelible");
        ensure!(binary.exists(), "cargo built no {}", binary.display());
        Ok(dir)
    }

    /// Every file of the checkout with one of these extensions, build output left out.
    ///
    /// # Errors
    ///
    /// When a directory cannot be read.
    pub(crate) fn files(&self, extensions: &[&str]) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut pending = vec![self.root.clone()];
        while let Some(dir) = pending.pop() {
            let entries = std::fs::read_dir(&dir).with_context(|| dir.display().to_string())?;
            for entry in entries {
                let entry = entry.with_context(|| dir.display().to_string())?;
                let (path, name) = (entry.path(), entry.file_name());
                if entry.file_type()?.is_dir() {
                    if !SKIPPED_DIRS.iter().any(|skipped| name == *skipped) {
                        pending.push(path);
                    }
                } else if extensions
                    .iter()
                    .any(|wanted| path.extension() == Some(OsStr::new(wanted)))
                {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// `path` as seen from the top of the checkout.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

/// Whether a program can be started here.
pub(crate) fn has_tool(program: &str, version_arg: &str) -> bool {
    Command::new(program)
        .arg(version_arg)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether this is the continuous integration, where a missing tool is a failure.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Runs a command, its output passed on.
///
/// # Errors
///
/// When it cannot be started or fails; names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    let status = command
        .status()
        .with_context(|| format!("starting {line}"))?;
    if !status.success() {
        bail!("{line}: {status}");
    }
    Ok(())
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
