//! State of a simulated disk: names and files, each as programs see them and as they would survive a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::inode::Inode;
use super::rng::Rng;
use super::{Errno, Fault};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    File(u64),
}

/// One change of names; it happens as a whole within a directory.
type Change = Vec<(PathBuf, Option<Node>)>;

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) rng: Rng,
    pub(super) calls: u64,
    /// Number of the call, what happens, and with which error.
    pub(super) fault: Option<(u64, Fault, Errno)>,
    pub(super) powered: bool,
    pub(super) locks: BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    /// Changes of names that no directory sync has covered.
    pending: Vec<Change>,
    inodes: BTreeMap<u64, Inode>,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        let root = BTreeMap::from([(PathBuf::from("/"), Node::Dir)]);
        Self {
            rng: Rng(seed),
            calls: 0,
            fault: None,
            powered: true,
            locks: BTreeSet::new(),
            durable_names: root.clone(),
            names: root,
            pending: Vec::new(),
            inodes: BTreeMap::new(),
        }
    }

    pub(super) fn check_power(&self) -> Result<(), Error> {
        if self.powered {
            return Ok(());
        }
        Err(Error::other("the simulated power is cut"))
    }

    /// Counts a mutating call and runs it, or what its fault leaves of it.
    pub(super) fn mutate<T>(
        &mut self,
        whole: impl FnOnce(&mut Self) -> Result<T, Error>,
        fail: impl FnOnce(&mut Self, Fault),
    ) -> Result<T, Error> {
        self.check_power()?;
        self.calls += 1;
        let due = self.fault.filter(|(call, ..)| *call == self.calls);
        let Some((_, fault, errno)) = due else {
            return whole(self);
        };
        self.fault = None;
        match fault {
            Fault::Fail | Fault::Torn => fail(self, fault),
            Fault::FailPersisted => drop(whole(self)?),
            Fault::CrashAfter => {
                let done = whole(self);
                self.powered = false;
                return done;
            }
        }
        Err(errno.error())
    }

    pub(super) fn node(&self, path: &Path) -> Option<Node> {
        self.names.get(path).copied()
    }

    pub(super) fn file_id(&self, path: &Path) -> Result<u64, Error> {
        match self.node(path) {
            Some(Node::File(id)) => Ok(id),
            Some(Node::Dir) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn inode(&mut self, id: u64) -> Result<&mut Inode, Error> {
        let missing = || Error::other("a simulated file without bytes");
        self.inodes.get_mut(&id).ok_or_else(missing)
    }

    pub(super) fn children(&self, dir: &Path) -> Result<Vec<String>, Error> {
        self.require_dir(dir)?;
        let inside = self.names.keys().filter(|path| path.parent() == Some(dir));
        let names = inside.filter_map(|path| path.file_name());
        Ok(names.map(|n| n.to_string_lossy().into_owned()).collect())
    }

    pub(super) fn create_dirs(&mut self, path: &Path) -> Result<(), Error> {
        for dir in path.ancestors() {
            match self.node(dir) {
                Some(Node::File(_)) => return Err(ErrorKind::NotADirectory.into()),
                Some(Node::Dir) => break,
                None => {
                    self.names.insert(dir.to_owned(), Node::Dir);
                    self.durable_names.insert(dir.to_owned(), Node::Dir);
                }
            }
        }
        Ok(())
    }

    pub(super) fn create(&mut self, path: &Path) -> Result<u64, Error> {
        self.require_dir(path.parent().unwrap_or(Path::new("")))?;
        if self.node(path).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let id = self.inodes.last_key_value().map_or(0, |(id, _)| id + 1);
        self.inodes.insert(id, Inode::default());
        self.change(vec![(path.to_owned(), Some(Node::File(id)))]);
        Ok(id)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Error> {
        let id = self.file_id(from)?;
        self.require_dir(to.parent().unwrap_or(Path::new("")))?;
        if self.node(to) == Some(Node::Dir) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if from != to {
            self.change(vec![
                (from.to_owned(), None),
                (to.to_owned(), Some(Node::File(id))),
            ]);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> Result<(), Error> {
        self.file_id(path)?;
        self.change(vec![(path.to_owned(), None)]);
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> Result<(), Error> {
        self.require_dir(dir)?;
        for change in &mut self.pending {
            for (path, node) in change.extract_if(.., |(path, _)| path.parent() == Some(dir)) {
                set(&mut self.durable_names, path, node);
            }
        }
        self.pending.retain(|change| !change.is_empty());
        Ok(())
    }

    /// The disk after a power cut.
    pub(super) fn crashed(&mut self) -> Self {
        let mut rng = Rng(self.rng.next());
        let mut names = self.durable_names.clone();
        // Mostly in order, as journaling file systems do it; sometimes any of them, as POSIX allows.
        let any = rng.up_to(3) == 0;
        let ordered = rng.up_to(self.pending.len());
        for (index, change) in self.pending.iter().enumerate() {
            if if any { rng.coin() } else { index < ordered } {
                for (path, node) in change {
                    set(&mut names, path.clone(), *node);
                }
            }
        }
        let mut after = Self::new(rng.next());
        for node in names.values() {
            if let Node::File(id) = node
                && let Some(inode) = self.inodes.get(id)
            {
                let bytes = inode.after_crash(&mut rng);
                after.inodes.insert(*id, Inode::stored(bytes));
            }
        }
        after.durable_names.clone_from(&names);
        after.names = names;
        self.powered = false;
        after
    }

    /// The disk, cache included, after the process was killed.
    pub(super) fn restarted(&mut self) -> Self {
        self.powered = false;
        Self {
            rng: Rng(self.rng.next()),
            calls: 0,
            fault: None,
            powered: true,
            locks: BTreeSet::new(),
            names: self.names.clone(),
            durable_names: self.durable_names.clone(),
            pending: self.pending.clone(),
            inodes: self.inodes.clone(),
        }
    }

    fn require_dir(&self, dir: &Path) -> Result<(), Error> {
        match self.node(dir) {
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn change(&mut self, change: Change) {
        for (path, node) in &change {
            set(&mut self.names, path.clone(), *node);
        }
        self.pending.push(change);
    }
}

fn set(names: &mut BTreeMap<PathBuf, Node>, path: PathBuf, node: Option<Node>) {
    match node {
        Some(node) => drop(names.insert(path, node)),
        None => drop(names.remove(&path)),
    }
}
