use std::fmt::Write;

use event::Micros;

/// The id of an event: a `UUIDv7` (RFC 9562, section 5.7) of a time and 10 random bytes.
#[must_use]
pub fn event_id(at: Micros, random: [u8; 10]) -> String {
    let millis = (at.0 / 1_000).to_be_bytes();
    let mut bytes = [0; 16];
    let parts = millis.iter().skip(2).chain(&random);
    for (index, (to, from)) in bytes.iter_mut().zip(parts).enumerate() {
        *to = match index {
            6 => 0x70 | from & 0x0f,
            8 => 0x80 | from & 0x3f,
            _ => *from,
        };
    }
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_version_and_variant_have_their_places() {
        // The example of RFC 9562, appendix A.6.
        let at = Micros(0x017F_22E2_79B0 * 1_000 + 999);
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        assert_eq!(event_id(at, random), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }
}
