//! Small numbers for the keys that occur in a piece.

/// Keys below are their own slots: empty slots cost less than looking each row up.
const DIRECT_KEYS: u64 = 4096;
/// Keys below are looked up in a table.
const TABLE_KEYS: u64 = 1 << 18;

/// Gives each key a slot, counted from 0 in the order of appearance unless keys are slots already.
pub(super) enum Slots {
    Direct(usize),
    Table(Table),
    Hashed(Hashed),
}

/// For each key its slot and one more, 0 without one.
pub(super) struct Table {
    slots: Vec<u32>,
    keys: Vec<u64>,
}

/// The same for keys that are far apart, with open addressing.
pub(super) struct Hashed {
    slots: Vec<u32>,
    keys: Vec<u64>,
}

impl Slots {
    /// For keys below a bound, on so many rows.
    pub(super) fn new(keys: u64, rows: usize) -> Self {
        let as_usize = |keys: u64| usize::try_from(keys).unwrap_or(usize::MAX);
        if keys <= DIRECT_KEYS {
            return Self::Direct(as_usize(keys));
        }
        if keys <= TABLE_KEYS {
            return Self::Table(Table {
                slots: vec![0; as_usize(keys)],
                keys: Vec::new(),
            });
        }
        Self::Hashed(Hashed {
            // Never more than half full.
            slots: vec![0; (2 * rows).next_power_of_two().max(2)],
            keys: Vec::new(),
        })
    }

    /// Number of slots so far.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Direct(keys) => *keys,
            Self::Table(Table { keys, .. }) | Self::Hashed(Hashed { keys, .. }) => keys.len(),
        }
    }

    /// The key of a slot.
    pub(super) fn key(&self, slot: usize) -> u64 {
        match self {
            Self::Direct(_) => slot as u64,
            Self::Table(Table { keys, .. }) | Self::Hashed(Hashed { keys, .. }) => {
                keys.get(slot).copied().unwrap_or(0)
            }
        }
    }

    /// Replaces keys by their slots.
    pub(super) fn assign(&mut self, keys: &mut [u64]) {
        match self {
            Self::Direct(_) => {}
            Self::Table(table) => {
                for key in keys {
                    *key = table.slot(*key);
                }
            }
            Self::Hashed(hashed) => {
                for key in keys {
                    *key = hashed.slot(*key);
                }
            }
        }
    }
}

impl Table {
    fn slot(&mut self, key: u64) -> u64 {
        let at = usize::try_from(key).unwrap_or(usize::MAX);
        let Some(slot) = self.slots.get_mut(at) else {
            return 0;
        };
        if *slot == 0 {
            *slot = push(&mut self.keys, key);
        }
        u64::from(*slot - 1)
    }
}

impl Hashed {
    fn slot(&mut self, key: u64) -> u64 {
        let mask = self.slots.len() - 1;
        let mut at = mix(key);
        loop {
            at &= mask;
            let Some(slot) = self.slots.get_mut(at) else {
                return 0;
            };
            if *slot == 0 {
                *slot = push(&mut self.keys, key);
            }
            let found = *slot - 1;
            if self.keys.get(found as usize) == Some(&key) {
                return found.into();
            }
            at += 1;
        }
    }
}

/// Appends a key; its slot and one more.
fn push(keys: &mut Vec<u64>, key: u64) -> u32 {
    keys.push(key);
    u32::try_from(keys.len()).unwrap_or(u32::MAX)
}

/// Spreads keys; they are positions in dictionaries, which nobody chooses.
fn mix(key: u64) -> usize {
    let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
    let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
    usize::try_from(low ^ high).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_keeps_one_slot_of_its_own() {
        for keys in [DIRECT_KEYS, TABLE_KEYS, u64::MAX] {
            let mut slots = Slots::new(keys, 3000);
            let step = (keys / 1000).max(1);
            let all: Vec<u64> = (0..1000_u64).map(|number| number * step).collect();
            let mut first = all.clone();
            slots.assign(&mut first);
            let mut again: Vec<u64> = all.iter().rev().copied().collect();
            slots.assign(&mut again);
            again.reverse();
            assert_eq!(first, again);
            for (slot, key) in first.iter().zip(&all) {
                let slot = usize::try_from(*slot).unwrap();
                assert!(slot < slots.len());
                assert_eq!(slots.key(slot), *key);
            }
        }
    }
}
