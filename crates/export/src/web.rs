//! Scripts and pages that check proofs in a browser, each in one file.
//!
//! The modules of `js/` are written for themselves and tested by themselves. A page that has to work from a file cannot
//! load them, and an embedded card should be one request: so they are put together here, each module in a function of
//! its own, in the order in which they import each other. What they have to look like for that is checked by a test.

use std::{collections::BTreeMap, fmt::Write, sync::LazyLock};

macro_rules! modules {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../js/", $name)))),+]
    };
}

/// Every module and its text.
const MODULES: &[(&str, &str)] = modules![
    "app.js",
    "archive.js",
    "bundle.js",
    "bytes.js",
    "card.js",
    "card_style.js",
    "claim.js",
    "dom.js",
    "ed25519.js",
    "element.js",
    "gaps.js",
    "glyphs.js",
    "lines.js",
    "merkle.js",
    "note.js",
    "package.js",
    "sha256.js",
    "sha512.js",
    "time.js",
    "verifier.js",
    "verify_page.js",
    "words.js",
];

const VERIFY_PAGE: &str = include_str!("../js/verify.html");
const APP_PAGE: &str = include_str!("../js/app.html");
/// Where a page has its script.
const PLACE: &str = "/*SCRIPT*/";
const LICENCE: &str = "// Indelible, Apache-2.0\n";

/// The element `<indelible-proof>`, as one script.
#[must_use]
pub fn proof_script() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| join("element.js"));
    &SCRIPT
}

/// What pages of the server check proofs with, as one module.
#[must_use]
pub fn verifier_script() -> &'static str {
    static SCRIPT: LazyLock<String> = LazyLock::new(|| join("verifier.js"));
    &SCRIPT
}

/// The page that checks a package, as one file.
#[must_use]
pub fn verify_page() -> &'static str {
    static PAGE: LazyLock<String> =
        LazyLock::new(|| VERIFY_PAGE.replace(PLACE, join("verify_page.js").trim_end()));
    &PAGE
}

/// The card inside an assistant, as one file.
#[must_use]
pub fn app_page() -> &'static str {
    static PAGE: LazyLock<String> =
        LazyLock::new(|| APP_PAGE.replace(PLACE, join("app.js").trim_end()));
    &PAGE
}

/// One line `import { names } from "./module";`.
struct Import<'a> {
    names: &'a str,
    module: &'a str,
}

impl<'a> Import<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (what, module) = line.strip_prefix("import ")?.split_once(" from \"./")?;
        Some(Self {
            names: what.strip_prefix("* as ").unwrap_or(what),
            module: module.strip_suffix("\";")?,
        })
    }
}

/// A module and all that it imports, as one script that exports what the module does.
fn join(entry: &str) -> String {
    let mut out = LICENCE.to_owned();
    let mut seen = BTreeMap::new();
    append(&mut out, entry, &mut seen);
    if let Some(exports) = seen
        .get(entry)
        .filter(|exports| entry == "verifier.js" && !exports.is_empty())
    {
        let names = exports.join(", ");
        // Writing into a string cannot fail.
        let _ = write!(
            out,
            "const {{ {names} }} = {};\nexport {{ {names} }};\n",
            variable(entry)
        );
    }
    out
}

/// Appends a module after those that it imports, unless it is there already.
fn append<'a>(out: &mut String, name: &'a str, seen: &mut BTreeMap<&'a str, Vec<&'a str>>) {
    let Some((_, text)) = MODULES.iter().find(|(known, _)| *known == name) else {
        return;
    };
    if seen.contains_key(name) {
        return;
    }
    seen.insert(name, exports(text));
    for import in text.lines().filter_map(Import::parse) {
        append(out, import.module, seen);
    }
    let names = exports(text).join(", ");
    let _ = writeln!(out, "const {} = (() => {{", variable(name));
    let mut in_comment = false;
    for line in text.lines() {
        if let Some(Import { names, module }) = Import::parse(line) {
            let _ = writeln!(out, "const {names} = {};", variable(module));
        } else if !is_comment(line, &mut in_comment) && !line.starts_with("export {") {
            let _ = writeln!(out, "{}", line.strip_prefix("export ").unwrap_or(line));
        }
    }
    let _ = writeln!(out, "return {{ {names} }};\n}})();");
}

/// Whether a line has a comment and nothing else.
fn is_comment(line: &str, in_comment: &mut bool) -> bool {
    let text = line.trim();
    let begins = text.starts_with("/**");
    let is_one = *in_comment || begins || text.starts_with("//") || text.is_empty();
    *in_comment = (*in_comment || begins) && !text.ends_with("*/");
    is_one
}

/// The names that a module exports.
fn exports(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("export ")) {
        if let Some(list) = line
            .strip_prefix("{ ")
            .and_then(|list| list.strip_suffix(" };"))
        {
            names.extend(list.split(", "));
            continue;
        }
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        let mut words =
            words.filter(|word| !["", "async", "function", "class", "const"].contains(word));
        names.extend(words.next());
    }
    names
}

fn variable(module: &str) -> String {
    format!("m_{}", module.trim_end_matches(".js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_look_as_joining_needs_them() {
        for (name, text) in MODULES {
            assert!(text.starts_with("// "), "{name} says what it is");
            for line in text.lines() {
                let place = format!("{name}: {line}");
                if line.starts_with("import") {
                    let import = Import::parse(line).unwrap_or_else(|| panic!("{place}"));
                    let module = MODULES.iter().find(|(known, _)| *known == import.module);
                    let there = exports(module.unwrap_or_else(|| panic!("{place}")).1);
                    let names = import.names.trim_matches(|c| "{ }".contains(c));
                    let is_whole = !import.names.starts_with('{');
                    let known = |wanted: &str| there.contains(&wanted);
                    assert!(is_whole || names.split(", ").all(known), "{place}");
                }
                assert!(!line.contains("import("), "{place}");
                if line.starts_with("export") {
                    assert!(
                        !exports(line).is_empty() && !line.contains(" as "),
                        "{place}"
                    );
                }
                // A comment that begins behind code would be kept with it, one within a template would be lost.
                let opens = line.contains("/**") && !line.trim().starts_with("/**");
                assert!(!opens, "{place}");
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_a_module() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/js");
        let mut there: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "js"))
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        there.sort();
        let named: Vec<_> = MODULES.iter().map(|(name, _)| *name).collect();
        assert_eq!(there, named);
    }

    #[test]
    fn a_joined_script_stands_alone() {
        for script in [proof_script(), verify_page(), verifier_script(), app_page()] {
            assert!(!script.contains("import {") && !script.contains("from \"./"));
            assert!(!script.contains(PLACE) && !script.contains("/**"));
        }
        assert!(verifier_script().contains("\nexport { EMPTY_ROOT,"));
        // Inline in a page, nothing may end the script.
        for page in [verify_page(), app_page()] {
            assert_eq!(page.matches("</script").count(), 1);
        }
        assert!(proof_script().len() < 60_000, "{}", proof_script().len());
    }
}
