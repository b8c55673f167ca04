//! As a shell, or before one, this program changes nothing about a command.

use std::process::Command;

use crate::machine::{Machine, PROGRAM};

/// Commands in which quoting matters.
const COMMANDS: [&str; 7] = [
    r#"printf '%s\n' 'it'"'"'s' "a  b" \$HOME '' "$(echo 'x y')""#,
    "echo one; echo two >&2; exit 3",
    "for f in a 'b c'; do echo \"[$f]\"; done | tr a-z A-Z",
    "cat <<'END'\n$NOT \"touched\" \\n\nEND\nexit 0",
    "echo \"$0\" \"$#\" \"$*\"",
    "x=$(printf 'a\\nb'); printf '%s|' \"$x\"; false",
    "kill -TERM $$",
];

fn shells() -> Vec<&'static str> {
    let all = [
        "/bin/bash",
        "/bin/dash",
        "/bin/sh",
        "/bin/zsh",
        "/usr/bin/zsh",
    ];
    let found = all
        .into_iter()
        .filter(|path| std::path::Path::new(path).exists());
    found.collect()
}

#[test]
fn a_command_means_what_it_means_to_the_shell() {
    let machine = Machine::serving();
    for shell in shells() {
        for (index, command) in COMMANDS.iter().enumerate() {
            let direct = Command::new(shell)
                .args(["-c", command, "name", "x y"])
                .output()
                .unwrap();
            let mut recorded = machine.command(&["-c", command, "name", "x y"]);
            let recorded = recorded
                .env("SHELL", shell)
                .env("INDELIBLE_JOB", format!("{shell}-{index}"))
                .output()
                .unwrap();
            assert_eq!(
                (&recorded.stdout, &recorded.stderr),
                (&direct.stdout, &direct.stderr),
                "{shell}: {command}"
            );
            let status = direct.status.code().unwrap_or(143);
            assert_eq!(recorded.status.code(), Some(status), "{shell}: {command}");
            let found = machine.json(&["query", &format!("job:\"{shell}-{index}\"")]);
            assert_eq!(
                (found.len(), found[0]["status"].as_i64()),
                (1, Some(status.into()))
            );
        }
    }
}

/// What Claude Code makes of its prefix and a command: the part before the last ` -` is a word of its own, and so is the
/// command.
fn as_claude_code(prefix: &str, command: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r#"'"'"'"#));
    match prefix.rfind(" -") {
        Some(at) => {
            let (program, args) = prefix.split_at(at);
            format!("{}{args} {}", quoted(program), quoted(command))
        }
        None => format!("{} {}", quoted(prefix), quoted(command)),
    }
}

#[test]
fn the_prefix_that_run_sets_records_every_command_of_the_agent() {
    let machine = Machine::serving();
    let prefix = machine.out(&[
        "run",
        "--",
        "sh",
        "-c",
        "printf %s \"$CLAUDE_CODE_SHELL_PREFIX\"",
    ]);
    assert!(prefix.ends_with(" -c"), "{prefix}");
    for (index, command) in COMMANDS.iter().enumerate() {
        let line = as_claude_code(&prefix, command);
        let job = format!("claude-{index}");
        let direct = Command::new("/bin/bash")
            .args(["-c", command])
            .output()
            .unwrap();
        let args = ["run", "--job", &job, "--", "bash", "-c", &line];
        let mut run = machine.command(&args);
        let run = run.env("SHELL", "/bin/bash").output().unwrap();
        assert_eq!(
            (run.stdout, run.stderr),
            (direct.stdout, direct.stderr),
            "{command}"
        );
        let found = machine.json(&["query", &format!("job:{job} source:shell")]);
        assert_eq!(found.len(), 1, "{command}");
        let content = machine.json(&["get", &found[0]["seq"].to_string(), "--content"]);
        assert_eq!(content[0]["argv"][2], *command);
    }
}

#[test]
fn under_the_name_of_a_shell_it_is_one() {
    let machine = Machine::serving();
    let shell = machine.home().join("indelible-sh");
    std::os::unix::fs::symlink(PROGRAM, &shell).unwrap();
    std::fs::write(
        machine.home().join("script"),
        "echo \"script $1\"; exit 5\n",
    )
    .unwrap();
    let mut command = Command::new(&shell);
    let environment = machine.command(&[]);
    let known = environment
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let output = command
        .envs(known)
        .env("SHELL", "/bin/sh")
        .env("INDELIBLE_JOB", "named")
        .current_dir(machine.home())
        .args(["script", "--help"])
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stdout),
        (Some(5), b"script --help\n".to_vec())
    );
    assert_eq!(machine.json(&["query", "job:named"]).len(), 1);
}

#[test]
fn a_prefix_of_the_users_own_stays() {
    let machine = Machine::serving();
    let mut command = machine.command(&["run", "--", "printenv", "CLAUDE_CODE_SHELL_PREFIX"]);
    let output = command
        .env("CLAUDE_CODE_SHELL_PREFIX", "/own.sh")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"/own.sh\n");
}
