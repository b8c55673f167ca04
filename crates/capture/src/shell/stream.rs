//! One output of a command as it is recorded: without its secrets, hashed and cut.

use super::Excerpt;
use crate::redact::{Piece, Redaction, TextStream};

/// An output that is still coming.
#[derive(Debug, Default)]
pub struct Stream {
    text: TextStream,
    done: Recorded,
}

/// An output that has ended.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Its two ends, and the hash of the whole.
    pub excerpt: Excerpt,
    /// Secrets that were taken out.
    pub redactions: u64,
}

impl Stream {
    /// Takes the next bytes.
    pub fn push(&mut self, with: &Redaction<'_>, bytes: &[u8]) {
        let Self { text, done } = self;
        text.push_each(with, bytes, &mut |piece| done.keep(piece));
    }

    /// Its end.
    #[must_use]
    pub fn finish(mut self, with: &Redaction<'_>) -> Recorded {
        let Self { text, done } = &mut self;
        text.finish_each(with, &mut |piece| done.keep(piece));
        self.done
    }
}

impl Recorded {
    /// Takes the next piece, which is looked at already.
    pub(super) fn keep(&mut self, piece: Piece<'_>) {
        self.redactions += u64::from(matches!(piece, Piece::Secret { .. }));
        self.excerpt.add(piece.after());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        redact::{Redactor, Secret, label},
        shell::excerpt::Kept,
    };

    const SECRET: &str = "correct-horse-battery-staple";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_secret_is_found_wherever_it_lies_and_however_it_comes(
            before in 0_usize..200_000,
            after in 0_usize..100_000,
            step in 1_usize..70_000,
        ) {
            let redactor = Redactor::new(None, &[], &[7; 32]).unwrap();
            let secrets = [Secret { label: label::ENVIRONMENT, value: SECRET.to_owned() }];
            let with = redactor.with(&secrets);
            let filler = |length| "line of text\n".chars().cycle().take(length).collect::<String>();
            let text = format!("{}{SECRET}{}", filler(before), filler(after));
            let recorded = |step| {
                let mut stream = Stream::default();
                text.as_bytes().chunks(step).for_each(|part| stream.push(&with, part));
                stream.finish(&with)
            };
            let (some, whole) = (recorded(step), recorded(usize::MAX));
            prop_assert_eq!(some.redactions, 1);
            prop_assert_eq!(some.excerpt.sha256(), whole.excerpt.sha256());
            prop_assert_eq!(some.excerpt.kept(), whole.excerpt.kept());
            let clean = text.replace(SECRET, &format!("[REDACTED:environment:{}]", redactor.fingerprint(SECRET.as_bytes())));
            let mut expected = Excerpt::default();
            expected.add(clean.as_bytes());
            prop_assert_eq!(some.excerpt.sha256(), expected.sha256());
            if let Kept::Whole(kept) = some.excerpt.kept() {
                prop_assert_eq!(kept, clean.as_bytes());
            }
        }
    }
}
