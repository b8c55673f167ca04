use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use proptest::{collection::vec, prelude::*};

use super::{Entries, Hits, Index, Shape, Sought, Term, Terms, build, can_merge, merge};
use crate::error::StoreError;

/// Terms and their rows, plainly.
#[derive(Clone, Debug, Default)]
struct Model {
    rows: u32,
    terms: BTreeMap<u64, BTreeSet<u32>>,
}

impl Entries for std::collections::btree_map::IntoIter<u64, BTreeSet<u32>> {
    fn next(&mut self, rows: &mut Vec<u32>) -> Result<Option<Term>, StoreError> {
        rows.clear();
        Ok(Iterator::next(self).map(|(term, of)| {
            rows.extend(of);
            Term(term)
        }))
    }
}

impl Model {
    fn bytes(&self, shape: Shape) -> Vec<u8> {
        let entries = self.terms.clone().into_iter();
        build::write(Vec::new(), Terms::new(7), shape, entries, Path::new("t")).unwrap()
    }

    fn index(&self, shape: Shape) -> Index {
        open(self.bytes(shape), self.rows).unwrap()
    }

    /// The same rows as several segments.
    fn cut(&self, pieces: u32) -> Vec<Self> {
        let width = self.rows.div_ceil(pieces);
        (0..pieces)
            .map(|piece| (piece * width, ((piece + 1) * width).min(self.rows)))
            .filter(|(from, to)| from < to)
            .map(|(from, to)| {
                let here = |rows: &BTreeSet<u32>| -> BTreeSet<u32> {
                    rows.range(from..to).map(|row| row - from).collect()
                };
                let terms = self.terms.iter().map(|(term, rows)| (*term, here(rows)));
                Self {
                    rows: to - from,
                    terms: terms.filter(|(_, rows)| !rows.is_empty()).collect(),
                }
            })
            .collect()
    }
}

fn open(bytes: Vec<u8>, rows: u32) -> Result<Index, StoreError> {
    build::in_memory(bytes, Path::new("t"), rows)
}

/// Terms in one row, in a few, in a run, in nearly all; some of them with the same beginning.
fn model() -> impl Strategy<Value = Model> {
    let spread = |row: u32, seed: u32, every: u32| {
        row.wrapping_mul(0x9e37_79b1)
            .wrapping_add(seed)
            .is_multiple_of(every)
    };
    let term = (any::<u64>(), 0..6_u8, any::<u32>(), 0..12_u32);
    (1..4000_u32, vec(term, 1..300)).prop_map(move |(rows, terms)| {
        let mut model = Model {
            rows,
            ..Model::default()
        };
        let mut last = 0;
        for (term, kind, seed, every) in terms {
            // Now and then a neighbour of the term before.
            let term = if kind == 5 { last + 1 } else { term >> 9 };
            last = term;
            let of: BTreeSet<u32> = match kind {
                0 | 5 => [seed % rows].into(),
                1 => (0..rows)
                    .filter(|row| spread(*row, seed, every * every + 2))
                    .collect(),
                2 => (0..rows)
                    .filter(|row| !spread(*row, seed, every + 2))
                    .collect(),
                3 => (seed % rows..rows.min(seed % rows + every * 40 + 2)).collect(),
                _ => (0..rows).collect(),
            };
            model.terms.entry(term).or_default().extend(of);
        }
        model.terms.retain(|_, rows| !rows.is_empty());
        model
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_term_is_found_with_its_rows(model in model(), others in vec(any::<u64>(), 20)) {
        for shape in [Shape::whole(model.rows), Shape::short(model.rows)] {
            let index = model.index(shape);
            index.check().unwrap();
            for (term, rows) in &model.terms {
                let Hits { certain, possible } = index.term(Term(*term)).unwrap();
                let rows: Vec<u32> = rows.iter().copied().collect();
                if shape.is_whole() || rows.len() > 1 {
                    prop_assert_eq!(&*certain, &rows);
                    prop_assert!(possible.is_empty() || !shape.is_whole());
                } else {
                    prop_assert!(certain.is_empty() && possible.contains(&rows[0]));
                }
                prop_assert!(possible.is_sorted());
            }
            for other in others.iter().map(|other| other >> 9) {
                let hits = index.term(Term(other)).unwrap();
                let is_known = model.terms.contains_key(&other);
                prop_assert!(is_known || hits.certain.is_empty());
            }
        }
    }

    #[test]
    fn merged_is_as_written_at_once(model in model(), pieces in 1..6_u32) {
        let indexes: Vec<Arc<Index>> = model
            .cut(pieces)
            .iter()
            .map(|piece| Arc::new(piece.index(Shape::whole(piece.rows))))
            .collect();
        for shape in [Shape::whole(model.rows), Shape::short(model.rows)] {
            let merged = merge(&indexes, shape, Vec::new(), Path::new("t")).unwrap();
            prop_assert_eq!(merged, model.bytes(shape));
        }
        prop_assert!(can_merge(&indexes));
        // What was shortened cannot be merged any more.
        let short = Arc::new(model.index(Shape::short(model.rows)));
        prop_assert!(!can_merge(&[short]));
    }

    #[test]
    fn a_flipped_bit_is_found(model in model(), bits in vec(any::<prop::sample::Index>(), 30)) {
        let bytes = model.bytes(Shape::short(model.rows));
        for bit in bits {
            let bit = bit.index(bytes.len() * 8);
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let found = open(changed, model.rows).and_then(|index| index.check());
            let is_damage = matches!(found, Err(StoreError::Damaged { .. }));
            prop_assert!(is_damage, "bit {}", bit);
            prop_assert!(open(bytes[..bit / 8].to_vec(), model.rows).is_err());
        }
        prop_assert!(open(bytes, model.rows + 1).is_err());
    }
}

#[test]
fn an_index_of_nothing() {
    let index = Model::default().index(Shape::whole(0));
    index.check().unwrap();
    assert_eq!(
        index.hits(Sought::Token("a"), 9).unwrap(),
        Some(Hits::default())
    );
}
