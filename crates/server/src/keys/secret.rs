//! The texts that keys are.

use std::fmt::Write as _;

use ledger::Entropy;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 24;

/// SHA-256 of a key's text. The secret has 192 random bits, so a fast hash is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyHash([u8; 32]);

/// A new key: its public id and its text, which is shown once.
pub(crate) struct NewSecret {
    pub(crate) id: String,
    pub(crate) text: String,
}

impl NewSecret {
    /// `ik_<id>_<secret>`, both hexadecimal.
    pub(crate) fn generate(entropy: &dyn Entropy) -> std::io::Result<Self> {
        let mut secret = [0; SECRET_BYTES];
        entropy.fill(&mut secret)?;
        let id = random_id(entropy)?;
        let text = format!("ik_{id}_{}", hex(&secret));
        Ok(Self { id, text })
    }

    /// The token of a link: `sh_<secret>` beside the id `sh_<id>`, neither of which says anything about the other.
    pub(crate) fn link(entropy: &dyn Entropy) -> std::io::Result<Self> {
        let mut secret = [0; SECRET_BYTES];
        entropy.fill(&mut secret)?;
        Ok(Self {
            id: format!("sh_{}", random_id(entropy)?),
            text: format!("sh_{}", hex(&secret)),
        })
    }

    /// A text that somebody chose.
    pub(crate) fn preset(entropy: &dyn Entropy, text: &str) -> std::io::Result<Self> {
        Ok(Self {
            id: random_id(entropy)?,
            text: text.to_owned(),
        })
    }
}

/// A public id that says nothing about the secret.
fn random_id(entropy: &dyn Entropy) -> std::io::Result<String> {
    let mut id = [0; ID_BYTES];
    entropy.fill(&mut id)?;
    Ok(hex(&id))
}

impl KeyHash {
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// First half, by which a key is looked up. Knowing how much of it matched tells nothing of the secret.
    pub(crate) fn locator(&self) -> [u8; 16] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(crate) fn to_hex(self) -> String {
        hex(&self.0)
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
            for byte in buffer {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            Ok(())
        }
    }

    #[test]
    fn the_text_names_the_public_id_and_hides_nothing_else_in_it() {
        let new = NewSecret::generate(&Counting(0.into())).unwrap();
        assert_eq!(new.id, "18191a1b1c1d1e1f");
        assert_eq!(
            new.text,
            "ik_18191a1b1c1d1e1f_000102030405060708090a0b0c0d0e0f1011121314151617"
        );
    }

    #[test]
    fn hashes_survive_their_text_form() {
        let hash = KeyHash::of("ik_x");
        assert_eq!(KeyHash::from_hex(&hash.to_hex()), Some(hash));
        assert!(hash.matches(&KeyHash::of("ik_x")) && !hash.matches(&KeyHash::of("ik_y")));
        let short = &hash.to_hex()[..62];
        for bad in ["", "zz", short, &format!("{short}+f"), &format!("{short}é")] {
            assert_eq!(KeyHash::from_hex(bad), None, "{bad}");
        }
    }
}
