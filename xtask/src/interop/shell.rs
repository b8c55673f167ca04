//! A terminal session with a real full-screen program in it, played by asciinema.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::Node;
use crate::steps::{Outcome, missing};
use crate::workspace::{Workspace, has_tool, run};

/// The program that defines the format. Nothing of it is built into ours.
const ASCIINEMA: &str = "asciinema";
/// The first with version 3 of the format was 3.0.
const ASCIINEMA_VERSION: &str = "3.2.0";
/// What the session has to have shown.
const SHOWN: [&str; 3] = ["size 24x80", "café ✓", "after-42"];

/// Records a session and lets asciinema read the recording.
///
/// # Errors
///
/// When a check fails, or when a tool is missing in continuous integration.
pub(crate) fn shell(workspace: &Workspace) -> Result<Outcome> {
    if !has_tool("python3", "--version") {
        return missing("Python 3 is not installed");
    }
    let asciinema = match asciinema(workspace) {
        Ok(program) => program,
        Err(error) => return missing(&format!("asciinema could not be had ({error:#})")),
    };
    let node = Node::make(workspace, "interop-shell")?;
    let server = node.serve()?;
    let session = Session {
        program: node.bin_dir.join("indelible"),
        dir: node.dir.clone(),
        url: format!("http://{}", server.address()),
        key: node.key()?,
    };
    session.record(&workspace.root().join("interop/shell"))?;
    let cast = session.recording()?;
    check(&asciinema, &cast)?;
    server.stop()?;
    Ok(Outcome::Passed)
}

struct Session {
    program: PathBuf,
    dir: PathBuf,
    url: String,
    key: String,
}

impl Session {
    fn indelible(&self, command: &mut Command) -> Result<String> {
        let output = command
            .current_dir(&self.dir)
            .env("INDELIBLE_URL", &self.url)
            .env("INDELIBLE_KEY", &self.key)
            .env("INDELIBLE_SPOOL", self.dir.join("spool"))
            .env("TERM", "xterm-256color")
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "{command:?}: {}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Somebody sits down, starts the program, leaves it, says one thing more and goes.
    fn record(&self, scripts: &Path) -> Result<()> {
        let keys = self.dir.join("keys");
        let screen = scripts.join("screen.py");
        let steps = format!(
            "recorded as job\tpython3 '{}'\\r\n{}\tq\n>\techo after-$((40+2))\\r\n{}\texit\\r\n",
            screen.display(),
            SHOWN[1],
            SHOWN[2],
        );
        std::fs::write(&keys, steps)?;
        let session = scripts.join("session.py");
        let line = ["shell", "--job", "interop", "--", "bash", "--norc", "-i"];
        self.indelible(
            Command::new("python3")
                .arg(session)
                .arg(&self.program)
                .args(line)
                .env("PS1", "> ")
                .stdin(std::fs::File::open(&keys)?),
        )?;
        Ok(())
    }

    /// The recording as a file, as the dashboard hands it out.
    fn recording(&self) -> Result<PathBuf> {
        let program = || Command::new(&self.program);
        let found = self.indelible(program().args(["query", "job:interop -phase:intent"]))?;
        let (_, rest) = found
            .split_once("\"seq\":")
            .with_context(|| format!("no session in {found}"))?;
        let seq: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let content = self.indelible(program().args(["get", &seq, "--content"]))?;
        let path = self.dir.join("session.cast");
        // Only Python is at hand to read JSON.
        let read = "import json,sys; sys.stdout.write(json.load(sys.stdin)['recording'])";
        let json = self.dir.join("content.json");
        std::fs::write(&json, content)?;
        run(Command::new("python3")
            .args(["-c", read])
            .stdin(std::fs::File::open(&json)?)
            .stdout(std::fs::File::create(&path)?))?;
        Ok(path)
    }
}

/// `cat` joins it with itself; `convert` goes to the older format, to text, and to what was printed.
fn check(asciinema: &Path, cast: &Path) -> Result<()> {
    let played = Command::new(asciinema)
        .arg("cat")
        .args([cast, cast])
        .output()?;
    ensure!(played.status.success(), "asciinema cat: {played:?}");
    for format in ["txt", "raw", "asciicast-v2"] {
        let to = cast.with_extension(format);
        run(Command::new(asciinema)
            .args(["convert", "--overwrite", "--output-format", format])
            .arg(cast)
            .arg(&to))?;
        let text = std::fs::read_to_string(&to)?;
        // As text only the last screen is left of the program.
        let shown = if format == "txt" {
            &SHOWN[2..]
        } else {
            &SHOWN[..]
        };
        for expected in shown {
            let escaped = expected.replace('é', "\\u00e9").replace('✓', "\\u2713");
            if !text.contains(expected) && !text.contains(&escaped) {
                bail!("{format} does not show {expected:?}: {text}");
            }
        }
    }
    Ok(())
}

fn asciinema(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.kept("interop-asciinema");
    let program = root.join("bin").join(ASCIINEMA);
    if !program.exists() {
        run(workspace
            .cargo()
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&root)
            .args(["--target-dir"])
            .arg(root.join("target"))
            .args(["--version", ASCIINEMA_VERSION, ASCIINEMA]))?;
        std::fs::remove_dir_all(root.join("target"))?;
    }
    Ok(program)
}
