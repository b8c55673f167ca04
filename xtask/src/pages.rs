//! The rules that the pages of the repository keep: sizes, links, names.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::steps::Outcome;
use crate::workspace::Workspace;

/// Longest `ARCHITECTURE.md`, in lines: it is read in one go or not at all.
const ARCHITECTURE_LINES: usize = 300;
/// Text that belongs to one machine. Cut in two, so that this file does not find itself.
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!(".cargo", "/registry"),
];
/// Kinds of files that are looked at for them.
const TEXT: &[&str] = &[
    "md", "rs", "toml", "go", "py", "sh", "mod", "sum", "txt", "json", "yml",
];
/// Module names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "mod", "utils", "util", "common", "helpers", "manager", "misc",
];

/// # Errors
///
/// When a page breaks a rule; lists every place.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let mut faults = Vec::new();
    architecture(workspace, &mut faults)?;
    links(workspace, &mut faults)?;
    machine_paths(workspace, &mut faults)?;
    module_names(workspace, &mut faults)?;
    variables(workspace, &mut faults)?;
    for fault in &faults {
        println!("{fault}");
    }
    ensure!(faults.is_empty(), "{} faults in the pages", faults.len());
    Ok(Outcome::Passed)
}

/// The tour of the code stays short and has a heading for every crate.
fn architecture(workspace: &Workspace, faults: &mut Vec<String>) -> Result<()> {
    let text = read(&workspace.root().join("ARCHITECTURE.md"))?;
    let lines = text.lines().count();
    if lines > ARCHITECTURE_LINES {
        faults.push(format!(
            "ARCHITECTURE.md: {lines} lines, at most {ARCHITECTURE_LINES}"
        ));
    }
    let crates = workspace.root().join("crates");
    for entry in std::fs::read_dir(&crates).with_context(|| crates.display().to_string())? {
        let name = entry?.file_name();
        let folder = format!("crates/{}", name.to_string_lossy());
        if !text
            .lines()
            .any(|line| line.starts_with('#') && line.contains(&folder))
        {
            faults.push(format!("ARCHITECTURE.md: no heading for {folder}"));
        }
    }
    Ok(())
}

/// Every link to a file of the repository leads to one, and to a heading if it names one.
fn links(workspace: &Workspace, faults: &mut Vec<String>) -> Result<()> {
    for page in workspace.files(&["md"])? {
        let text = read(&page)?;
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = match file {
                "" => page.clone(),
                file => page.parent().unwrap_or(workspace.root()).join(file),
            };
            if !path.exists() {
                faults.push(format!(
                    "{}: no file for link {target}",
                    workspace.relative(&page)
                ));
            } else if !anchor.is_empty() && !anchors(&read(&path)?).iter().any(|a| a == anchor) {
                faults.push(format!(
                    "{}: no heading for link {target}",
                    workspace.relative(&page)
                ));
            }
        }
    }
    Ok(())
}

fn machine_paths(workspace: &Workspace, faults: &mut Vec<String>) -> Result<()> {
    for file in workspace.files(TEXT)? {
        // Fixtures need not be UTF-8; they are no pages either.
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            for path in MACHINE_PATHS.iter().filter(|path| line.contains(**path)) {
                let place = workspace.relative(&file);
                faults.push(format!("{place}:{}: machine path {path}", number + 1));
            }
        }
    }
    Ok(())
}

fn module_names(workspace: &Workspace, faults: &mut Vec<String>) -> Result<()> {
    for file in workspace.files(&["rs"])? {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        if EMPTY_NAMES.contains(&stem.as_ref()) {
            faults.push(format!(
                "{}: a name that says nothing",
                workspace.relative(&file)
            ));
        }
    }
    Ok(())
}

/// Every environment variable that the code reads is on the page about configuration.
fn variables(workspace: &Workspace, faults: &mut Vec<String>) -> Result<()> {
    let page = "docs/configuration.md";
    let text = read(&workspace.root().join(page))?;
    for file in workspace.files(&["rs"])? {
        if !file.components().any(|part| part.as_os_str() == "src") {
            continue;
        }
        let code = read(&file)?;
        for name in prefixed(&code, concat!("INDEL", "IBLE_")) {
            if !text.contains(&format!("`{name}`")) {
                let place = workspace.relative(&file);
                faults.push(format!("{place}: {name} is not in {page}"));
            }
        }
    }
    Ok(())
}

/// The names in capitals that begin with `prefix`.
fn prefixed<'a>(code: &'a str, prefix: &str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix).map(|(at, _)| {
        let rest = code.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_');
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    })
}

/// The targets of the inline links of a page, fenced code left out.
fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in prose(text) {
        for (_, rest) in line
            .match_indices("](")
            .filter_map(|(at, m)| line.split_at_checked(at + m.len()))
        {
            if let Some((target, _)) = rest.split_once(')') {
                found.push(target);
            }
        }
    }
    found
}

/// The anchors that a forge gives the headings of a page.
fn anchors(text: &str) -> Vec<String> {
    prose(text)
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_whole() {
        let code = r#"var("A_KEY"); // A_KEY_2 and XA_URL"#;
        let found: Vec<_> = prefixed(code, "A_").collect();
        assert_eq!(found, ["A_KEY", "A_KEY_", "A_URL"]);
    }

    #[test]
    fn links_are_found_outside_fences_only() {
        let page = "see [a](x.md) and [b](y.md#z)\n```sh\n[c](no.md)\n```\n[d](#here)\n";
        assert_eq!(targets(page), ["x.md", "y.md#z", "#here"]);
    }

    #[test]
    fn anchors_are_as_a_forge_makes_them() {
        let page = "# 4. Tree, tiles, checkpoint\n## `crates/tlog`\n```\n# no heading\n```\n";
        assert_eq!(anchors(page), ["4-tree-tiles-checkpoint", "cratestlog"]);
    }
}
