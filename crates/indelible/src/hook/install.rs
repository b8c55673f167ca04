//! Putting the hook into an agent's settings.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use capture::{
    Env,
    hook::{Agent, installed, snippet},
};

use super::{Place, key, parse_agent};

/// Where `serve` writes the key of this machine, below the data directory.
const KEY_FILE: &str = "admin.key";

/// Put the hook into an agent's settings
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: indelible hook install claude-code\n\n\
    Other hooks and settings stay as they are; a second time changes nothing. --print shows what would be in a file that has nothing else.")]
pub(super) struct Args {
    /// claude-code, codex or cursor
    #[arg(value_name = "AGENT", value_parser = parse_agent)]
    agent: Agent,
    /// Settings of this directory's project, not of the user
    #[arg(long)]
    project: bool,
    /// Print what belongs into the settings; change nothing
    #[arg(long)]
    print: bool,
    /// Refuse tools and prompts that cannot be recorded
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let command = command(args)?;
    if args.print {
        print!("{}", snippet(args.agent, &command));
        return Ok(ExitCode::SUCCESS);
    }
    let path = path(args.agent, args.project)?;
    let new = match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => installed(args.agent, &text, &command)
            .with_context(|| {
                let path = path.display();
                format!("{path} was left as it is; put what --print says into it by hand")
            })?,
        Ok(_) => snippet(args.agent, &command),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => snippet(args.agent, &command),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    write(&path, &new)?;
    let env = Env::system();
    let spool = args.place.spool(&env)?;
    // A server may come later: then the first hook asks for it, and after that each delivery.
    let _ = key::at_install(&env, &spool, &args.place);
    println!(
        "{} calls indelible now: {}",
        args.agent.as_str(),
        path.display()
    );
    if args.agent == Agent::Codex {
        println!("Codex asks once whether it may: answer with /hooks there.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces the file at once: an agent may be reading it.
fn write(path: &Path, text: &str) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)
        .with_context(|| format!("cannot write to {}", dir.display()))?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    if let Ok(old) = path.metadata() {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.persist(&path)
        .with_context(|| format!("cannot replace {}", path.display()))?;
    Ok(())
}

fn path(agent: Agent, is_project: bool) -> Result<PathBuf> {
    let base = if is_project {
        PathBuf::from(".")
    } else {
        let home = std::env::var_os("HOME").context("no HOME: use --project or --print")?;
        PathBuf::from(home)
    };
    Ok(base.join(match agent {
        Agent::ClaudeCode => ".claude/settings.json",
        Agent::Codex => ".codex/hooks.json",
        Agent::Cursor => ".cursor/hooks.json",
    }))
}

/// What the agent runs. It is run in whatever directory the agent works in, so that everything is named from the root. A key
/// stays out of it: settings are shared.
fn command(args: &Args) -> Result<String> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let mut words = vec![quoted(&program.to_string_lossy()), "hook --from".to_owned()];
    words.push(args.agent.as_str().to_owned());
    if args.strict {
        words.push("--strict".to_owned());
    }
    let remote = &args.place.remote;
    let url = remote.base();
    if url != "http://127.0.0.1:7400" {
        words.push(format!("--server {}", quoted(&url)));
    }
    if remote.data.join(KEY_FILE).exists() {
        let data = std::path::absolute(&remote.data)?;
        words.push(format!("--data {}", quoted(&data.to_string_lossy())));
    }
    if let Some(spool) = &args.place.spool {
        let spool = std::path::absolute(spool)?;
        words.push(format!("--spool {}", quoted(&spool.to_string_lossy())));
    }
    let command = words.join(" ");
    if command.chars().any(char::is_control) {
        bail!("a path with control characters cannot stand in settings");
    }
    Ok(command)
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@+=,".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
