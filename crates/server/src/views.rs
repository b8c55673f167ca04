//! Views of events that somebody saved: a name and an address, for everybody of a trail.
//!
//! They are kept in `DIR/views.json`. Losing them loses no event, so that a file that cannot be read is only noted.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use event::TrailId;
use journal::{Fs, FsError};
use ledger::{Entropy, Env};
use serde::{Deserialize, Serialize};

use crate::{
    kept,
    keys::{Key, hex},
};

/// Views of one trail: a menu that anybody still reads.
const MAX_OF_TRAIL: usize = 50;
/// Views of a node.
const MAX_VIEWS: usize = 2_000;

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct View {
    pub(crate) id: String,
    trail: String,
    pub(crate) name: String,
    /// Path and parameters of the page.
    pub(crate) address: String,
    /// Public id of the key that saved it.
    by: String,
}

/// The views of a node.
pub(crate) struct Views {
    fs: Arc<dyn Fs>,
    entropy: Arc<dyn Entropy>,
    path: PathBuf,
    all: Mutex<Vec<View>>,
}

/// Why a view was not saved or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ViewsError {
    /// The file cannot be replaced.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The system has no randomness for an id.
    #[error("no randomness for an id")]
    Entropy(#[from] std::io::Error),
    /// There is no room for one more.
    #[error("a trail has at most {max} saved views; remove one first")]
    TooMany {
        /// The bound.
        max: usize,
    },
}

impl Views {
    pub(crate) fn load(env: &Env, path: PathBuf) -> Self {
        let views = kept::load(env.fs.as_ref(), &path).unwrap_or_else(|error| {
            tracing::warn!(%error, "saved views are lost");
            None
        });
        Self {
            fs: Arc::clone(&env.fs),
            entropy: Arc::clone(&env.entropy),
            path,
            all: Mutex::new(views.unwrap_or_default()),
        }
    }

    /// Views of a trail, by name.
    pub(crate) fn list(&self, trail: &TrailId) -> Vec<View> {
        let views = self.lock();
        let mut views: Vec<_> = views
            .iter()
            .filter(|view| view.trail == trail.as_str())
            .cloned()
            .collect();
        views.sort_by(|one, other| one.name.cmp(&other.name));
        views
    }

    /// Saves a view; one of the same name is replaced. Blocks.
    pub(crate) fn save(&self, by: &Key, name: String, address: String) -> Result<(), ViewsError> {
        let mut id = [0; 8];
        self.entropy.fill(&mut id)?;
        let view = View {
            id: hex(&id),
            trail: by.trail.to_string(),
            name,
            address,
            by: by.id.clone(),
        };
        self.change(|views| {
            views.retain(|known| known.trail != view.trail || known.name != view.name);
            let of_trail = views
                .iter()
                .filter(|known| known.trail == view.trail)
                .count();
            if of_trail >= MAX_OF_TRAIL || views.len() >= MAX_VIEWS {
                return Err(ViewsError::TooMany { max: MAX_OF_TRAIL });
            }
            views.push(view);
            Ok(())
        })
    }

    /// Removes a view of a trail; one that is gone already is fine. Blocks.
    pub(crate) fn remove(&self, trail: &TrailId, id: &str) -> Result<(), ViewsError> {
        self.change(|views| {
            views.retain(|view| view.trail != trail.as_str() || view.id != id);
            Ok(())
        })
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Vec<View>) -> Result<(), ViewsError>,
    ) -> Result<(), ViewsError> {
        let mut held = self.lock();
        let mut views = held.clone();
        change(&mut views)?;
        kept::save(self.fs.as_ref(), &self.path, &views)?;
        *held = views;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<View>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use journal::RealFs;

    use super::*;
    use crate::keys::{KeySpec, Keys, Scopes};

    #[test]
    fn views_belong_to_a_trail_and_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::system(Arc::new(RealFs));
        let keys = Keys::empty(&env, dir.path().join("keys.json"));
        let [one, other] = ["one", "other"].map(|trail| {
            let spec = KeySpec {
                trail: TrailId::new(trail).unwrap(),
                name: "a".to_owned(),
                scopes: Scopes::TRAIL_ADMIN,
                role: None,
                project: None,
                expires_at: None,
            };
            keys.add(spec, &keys.generate().unwrap()).unwrap()
        });
        let open = || Views::load(&env, dir.path().join("views.json"));
        let save =
            |by: &Key, name: &str| open().save(by, name.to_owned(), "/events?q=a".to_owned());
        save(&one, "b").unwrap();
        save(&one, "a").unwrap();
        save(&one, "b").unwrap();
        save(&other, "b").unwrap();
        let names = |key: &Key| {
            open()
                .list(&key.trail)
                .into_iter()
                .map(|view| view.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (names(&one), names(&other)),
            (vec!["a".to_owned(), "b".to_owned()], vec!["b".to_owned()])
        );
        let id = open().list(&one.trail)[0].id.clone();
        open().remove(&other.trail, &id).unwrap();
        assert_eq!(names(&one).len(), 2);
        open().remove(&one.trail, &id).unwrap();
        assert_eq!(names(&one), ["b"]);
        for index in 1..MAX_OF_TRAIL {
            save(&one, &index.to_string()).unwrap();
        }
        assert!(matches!(
            save(&one, "more"),
            Err(ViewsError::TooMany { .. })
        ));
    }
}
