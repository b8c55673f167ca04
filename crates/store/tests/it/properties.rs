use indelible_store::NewRow;
use proptest::prelude::*;

use crate::{open, sample, trail};

/// Records of any text beside ones of the usual form, contents of any bytes that JSON can be.
fn arbitrary(seq: u64) -> impl Strategy<Value = sample::Sample> {
    let usual = any::<u64>().prop_map(move |seed| sample::sample(seed, seq));
    let content = proptest::option::of("\\PC{0,400}");
    (usual, any::<bool>(), "\\PC{0,200}", content).prop_map(|(usual, keep, text, content)| {
        if keep {
            return usual;
        }
        sample::Sample {
            record: text.into_bytes(),
            content: content.map(String::into_bytes),
            ..usual
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_and_merged_is_read_back(
        samples in (1usize..120).prop_flat_map(|count| (0..count as u64).map(arbitrary).collect::<Vec<_>>()),
        cuts in proptest::collection::vec(1usize..20, 1..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let segments = open(dir.path());
        let mut left = samples.as_slice();
        for cut in cuts.into_iter().cycle() {
            let (part, rest) = left.split_at(cut.min(left.len()));
            let rows: Vec<NewRow<'_>> = sample::rows(part);
            segments.seal(&trail(), &rows).unwrap();
            left = rest;
            if left.is_empty() {
                break;
            }
        }
        for _ in 0..2 {
            let snapshot = open(dir.path()).snapshot(&trail()).unwrap();
            prop_assert_eq!(snapshot.size(), samples.len() as u64);
            for sample in &samples {
                let segment = snapshot.segment(sample.seq).unwrap();
                prop_assert_eq!(&segment.record(sample.seq).unwrap(), &sample.record);
                let content = segment.content(sample.seq).unwrap();
                prop_assert_eq!(content.as_deref(), sample.content.as_deref());
                prop_assert_eq!(segment.digest(sample.seq).unwrap(), sample.digest);
            }
            while segments.compact(&trail(), &|| false).unwrap() {}
        }
    }
}
