//! One file with every certificate authority that a command may trust: the system's, its own, and the proxy's.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Where systems keep theirs: Debian, Fedora, `SUSE`, Alpine and the BSDs.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// A bundle on disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bundle {
    pub(super) path: PathBuf,
    /// Whether the authorities are in it that clients would have trusted without it.
    pub(super) is_whole: bool,
}

impl Bundle {
    /// Writes a bundle with the proxy's certificate in it. The environment names files `instead` of the system's, and others
    /// that `add` to them.
    pub(super) fn write(
        authority: &Path,
        to: &Path,
        instead: &[PathBuf],
        add: &[PathBuf],
    ) -> Result<Self> {
        let system = SYSTEM.iter().map(PathBuf::from).find(|path| path.exists());
        let instead: Vec<_> = instead.iter().cloned().chain(system).collect();
        Self::join(authority, to, &instead, add)
    }

    fn join(authority: &Path, to: &Path, instead: &[PathBuf], add: &[PathBuf]) -> Result<Self> {
        let mut text = Vec::new();
        let mut seen = BTreeSet::new();
        let mut take = |path: &PathBuf| {
            // A file that is not there was of no use to the command before.
            let certificates = std::fs::read(path).unwrap_or_default();
            if seen.insert(path.clone()) {
                append(&mut text, &certificates);
            }
            !certificates.is_empty()
        };
        let mut is_whole = false;
        for path in instead {
            is_whole |= take(path);
        }
        for path in add {
            take(path);
        }
        let own = std::fs::read(authority).with_context(|| authority.display().to_string())?;
        append(&mut text, &own);
        std::fs::write(to, text).with_context(|| to.display().to_string())?;
        Ok(Self {
            path: to.to_owned(),
            is_whole,
        })
    }
}

fn append(text: &mut Vec<u8>, certificates: &[u8]) {
    text.extend_from_slice(certificates);
    if !certificates.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_in_it_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, name).unwrap();
            path
        };
        let (own, system, more) = (file("own"), file("system"), file("more"));
        let to = dir.path().join("bundle");
        let absent = dir.path().join("absent");
        let bundle = Bundle::join(
            &own,
            &to,
            &[more.clone(), system, absent],
            std::slice::from_ref(&more),
        )
        .unwrap();
        assert!(bundle.is_whole);
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "more\nsystem\nown\n");
        let bundle = Bundle::join(&own, &to, &[], &[more]).unwrap();
        assert!(!bundle.is_whole);
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "more\nown\n");
    }
}
