//! Room beside a dictionary for the numbers that somebody gives its values.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// For each value of a dictionary a number, kept while the dictionary is.
#[derive(Default)]
pub struct Numbering(Mutex<Option<(u64, Arc<[u32]>)>>);

impl Numbering {
    /// The numbers of a generation; made if there are none or those of another one.
    pub fn get(&self, generation: u64, make: impl FnOnce() -> Arc<[u32]>) -> Arc<[u32]> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, numbers)) if *of == generation => Arc::clone(numbers),
            _ => {
                let numbers = make();
                *known = Some((generation, Arc::clone(&numbers)));
                numbers
            }
        }
    }

    /// The numbers of a generation, if they were made.
    #[must_use]
    pub fn known(&self, generation: u64) -> Option<Arc<[u32]>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|(of, _)| *of == generation);
        known.map(|(_, numbers)| Arc::clone(numbers))
    }
}

/// Numbers say nothing of the values.
impl PartialEq for Numbering {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Numbering {}

/// A copy gets its own.
impl Clone for Numbering {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Numbering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbering")
    }
}
