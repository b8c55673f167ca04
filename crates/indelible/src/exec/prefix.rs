//! This program as a shell, for agents that take one, or a prefix for one: `indelible -c CMD` and, under the name
//! `indelible-sh`, whatever a shell takes.

use std::{ffi::OsString, os::unix::ffi::OsStrExt, path::Path};

/// A link of this name to the program is a shell.
const SHELL_NAME: &str = "indelible-sh";
/// First arguments that only a shell has.
const SHELL_OPTIONS: [&str; 4] = ["-c", "-lc", "-ic", "-lic"];
/// Shells that take commands as agents write them.
const KNOWN: [&str; 7] = ["bash", "zsh", "ksh", "mksh", "dash", "ash", "sh"];
/// Where no other is named, the first of these that there is.
const DEFAULTS: [&str; 4] = [
    "/bin/bash",
    "/usr/bin/bash",
    "/usr/local/bin/bash",
    "/bin/sh",
];

/// The command line that `indelible exec` has to get instead of one that is meant for a shell; `None` if it is not.
/// Every argument stays as it is. `variable` is the environment.
pub(crate) fn as_exec(
    args: &[OsString],
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<Vec<OsString>> {
    let (program, rest) = args.split_first()?;
    let is_named = Path::new(program)
        .file_name()
        .is_some_and(|name| name == SHELL_NAME);
    let is_asked = rest
        .first()
        .is_some_and(|first| SHELL_OPTIONS.iter().any(|option| first == option));
    if !is_named && !is_asked {
        return None;
    }
    let mut line: Vec<OsString> = vec![program.clone(), "exec".into(), "--".into()];
    line.push(shell(variable));
    line.extend_from_slice(rest);
    Some(line)
}

/// `INDELIBLE_SHELL`, else the user's shell if it is one that agents write for.
fn shell(variable: impl Fn(&str) -> Option<OsString>) -> OsString {
    let named = variable("INDELIBLE_SHELL").filter(|shell| !shell.is_empty());
    let users = || {
        variable("SHELL").filter(|shell| {
            let name = Path::new(shell).file_name().unwrap_or_default();
            KNOWN
                .iter()
                .any(|known| name.as_bytes() == known.as_bytes())
        })
    };
    let there_is = || DEFAULTS.iter().find(|path| Path::new(path).exists());
    named
        .or_else(users)
        .unwrap_or_else(|| there_is().unwrap_or(&"sh").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(args: &[&str], shell: Option<&str>) -> Option<Vec<String>> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let variable = |name: &str| (name == "SHELL").then(|| shell.map(OsString::from))?;
        let line = as_exec(&args, variable)?;
        Some(
            line.into_iter()
                .map(|arg| arg.into_string().unwrap())
                .collect(),
        )
    }

    #[test]
    fn what_a_shell_would_get_a_shell_gets() {
        let command = "echo 'it''s' \"$x\" \\\n; exit 3";
        assert_eq!(
            line(
                &["indelible", "-c", command, "name", "-x"],
                Some("/bin/dash")
            )
            .unwrap(),
            [
                "indelible",
                "exec",
                "--",
                "/bin/dash",
                "-c",
                command,
                "name",
                "-x"
            ]
        );
        assert_eq!(
            line(&["/opt/indelible-sh", "script", "--help"], Some("/bin/zsh")).unwrap(),
            [
                "/opt/indelible-sh",
                "exec",
                "--",
                "/bin/zsh",
                "script",
                "--help"
            ]
        );
        assert_eq!(line(&["indelible", "query", "-c"], Some("/bin/sh")), None);
        assert_eq!(line(&["indelible"], None), None);
    }

    #[test]
    fn a_shell_that_agents_do_not_write_for_is_not_taken() {
        for shell in [Some("/usr/bin/fish"), Some("/opt/indelible-sh"), None] {
            let line = line(&["indelible", "-c", "x"], shell).unwrap();
            assert!(
                line[3].ends_with("bash") || line[3].ends_with("sh"),
                "{line:?}"
            );
            assert!(!line[3].ends_with("indelible-sh") && !line[3].ends_with("fish"));
        }
    }
}
