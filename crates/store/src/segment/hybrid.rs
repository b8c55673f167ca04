//! Parquet's hybrid of run lengths and packed bits, for levels and dictionary codes.
//!
//! Source: Parquet format, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".

/// Decodes exactly `count` values of `width` bits, at most 32; `None` if the bytes end too early.
pub(super) fn decode(mut bytes: &[u8], width: u32, count: usize, out: &mut Vec<u32>) -> Option<()> {
    if width > 32 {
        return None;
    }
    let end = out.len() + count;
    out.reserve(count);
    while out.len() < end {
        let left = end - out.len();
        let header = usize::try_from(varint(&mut bytes)?).ok()?;
        let runs = header >> 1;
        if header & 1 == 0 {
            let value = take(&mut bytes, (width as usize).div_ceil(8))?;
            let mut padded = [0; 4];
            padded.get_mut(..value.len())?.copy_from_slice(value);
            out.resize(out.len() + runs.min(left), u32::from_le_bytes(padded));
            if runs == 0 {
                return None;
            }
        } else {
            let packed = take(&mut bytes, runs.checked_mul(width as usize)?)?;
            unpack(packed, width, left.min(runs.checked_mul(8)?), out);
            if runs == 0 {
                return None;
            }
        }
    }
    Some(())
}

/// Encodes values that each fit into `width` bits, at most 32.
pub(crate) fn encode(values: &[u32], width: u32, out: &mut Vec<u8>) {
    // Values before `at` that are not written yet, a multiple of eight when a run follows them.
    let (mut start, mut at) = (0, 0);
    while let Some(value) = values.get(at) {
        let rest = values.get(at..).unwrap_or_default();
        let run = rest.iter().take_while(|other| *other == value).count();
        let pad = (at - start).next_multiple_of(GROUP) - (at - start);
        if run < pad + GROUP {
            at += run;
            continue;
        }
        pack(values.get(start..at + pad).unwrap_or_default(), width, out);
        put_varint(((run - pad) as u64) << 1, out);
        let bytes = value.to_le_bytes();
        out.extend_from_slice(bytes.get(..(width as usize).div_ceil(8)).unwrap_or(&bytes));
        at += run;
        start = at;
    }
    pack(values.get(start..).unwrap_or_default(), width, out);
}

/// Values that are packed together.
const GROUP: usize = 8;

fn pack(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    put_varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut buffer, mut bits) = (0_u64, 0);
    for value in values {
        buffer |= u64::from(*value) << bits;
        bits += width;
        if bits >= u32::BITS {
            let [a, b, c, d, ..] = buffer.to_le_bytes();
            out.extend_from_slice(&[a, b, c, d]);
            buffer >>= u32::BITS;
            bits -= u32::BITS;
        }
    }
    out.extend_from_slice(&buffer.to_le_bytes());
    // What a last group lacks is zero.
    out.resize(end, 0);
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn unpack(packed: &[u8], width: u32, count: usize, out: &mut Vec<u32>) {
    let mask = (1u64 << width) - 1;
    let (mut buffer, mut bits) = (0u64, 0u32);
    let mut bytes = packed.iter();
    for _ in 0..count {
        while bits < width {
            buffer |= u64::from(bytes.next().copied().unwrap_or(0)) << bits;
            bits += 8;
        }
        out.push(u32::try_from(buffer & mask).unwrap_or(0));
        buffer >>= width;
        bits -= width;
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn decoded(bytes: &[u8], width: u32, count: usize) -> Option<Vec<u32>> {
        let mut out = Vec::new();
        decode(bytes, width, count, &mut out).map(|()| out)
    }

    #[test]
    fn the_example_of_the_specification() {
        // The numbers 0 to 7 in three bits, packed from the lowest bit on.
        let bytes = [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(decoded(&bytes, 3, 8).unwrap(), (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn runs_and_packed_bits_mixed() {
        let bytes = [10 << 1, 2, 0b11, 0xff, 0x00];
        let mut expected = vec![2; 10];
        expected.extend([3, 3, 3, 3, 0]);
        assert_eq!(decoded(&bytes, 2, 15).unwrap(), expected);
        assert_eq!(decoded(&[4 << 1], 0, 4).unwrap(), vec![0; 4]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(runs in vec((any::<u32>(), 1_usize..40), 0..40), width in 0_u32..=32) {
            let mask = u32::try_from((1_u64 << width) - 1).unwrap();
            let values: Vec<u32> = runs.iter().flat_map(|(value, count)| repeat_n(value & mask, *count)).collect();
            let mut bytes = Vec::new();
            encode(&values, width, &mut bytes);
            prop_assert_eq!(decoded(&bytes, width, values.len()), Some(values));
        }
    }

    #[test]
    fn bytes_that_end_too_early_are_refused() {
        assert_eq!(decoded(&[], 1, 1), None);
        assert_eq!(decoded(&[2], 1, 1), None);
        assert_eq!(decoded(&[0b11, 0xff], 2, 8), None);
        assert_eq!(decoded(&[0, 0], 1, 1), None, "a run of nothing");
        assert_eq!(decoded(&[0xff; 6], 1, 1), None, "an endless number");
    }
}
