//! Bits, lowest first, and Golomb-Rice codes in them.

/// Most ones of a code; a number that would need more is written as it is behind them.
const MAX_ONES: u32 = 24;
/// Bits of a number that is written as it is.
const RAW_BITS: u32 = 56;

/// Appends bits to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet.
    open: u64,
    count: u32,
}

impl BitWriter {
    /// Appends the lowest bits of a number, at most 56.
    #[inline]
    pub(super) fn bits(&mut self, number: u64, bits: u32) {
        let number = number & ((1 << bits) - 1);
        self.open |= number << self.count;
        let count = self.count + bits;
        if count < u64::BITS {
            self.count = count;
            return;
        }
        self.bytes.extend_from_slice(&self.open.to_le_bytes());
        self.open = number.checked_shr(u64::BITS - self.count).unwrap_or(0);
        self.count = count - u64::BITS;
    }

    /// Appends a number below 2^56: the part above its lowest `k` bits in ones and a zero, then these
    /// bits.
    #[inline]
    pub(super) fn rice(&mut self, number: u64, k: u32) {
        match u32::try_from(number >> k) {
            Ok(ones) if ones < MAX_ONES && ones + 1 + k <= RAW_BITS => {
                let low = number & ((1 << k) - 1);
                self.bits(((1 << ones) - 1) | (low << (ones + 1)), ones + 1 + k);
            }
            Ok(ones) if ones < MAX_ONES => {
                self.bits((1 << ones) - 1, ones + 1);
                self.bits(number, k);
            }
            _ => {
                self.bits((1 << MAX_ONES) - 1, MAX_ONES);
                self.bits(number, RAW_BITS);
            }
        }
    }

    /// The bytes, the last one filled up with zeroes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let bytes = self.count.div_ceil(8) as usize;
        let open = self.open.to_le_bytes();
        self.bytes.extend(open.iter().take(bytes));
        self.bytes
    }
}

/// Bits that [`BitWriter::rice`] writes for a number.
pub(super) fn rice_bits(number: u64, k: u32) -> u64 {
    match number >> k {
        ones if ones < u64::from(MAX_ONES) => ones + 1 + u64::from(k),
        _ => u64::from(MAX_ONES + RAW_BITS),
    }
}

/// Reads bits; behind the end there are zeroes.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads a number of at most 56 bits.
    #[inline]
    pub(super) fn bits(&mut self, bits: u32) -> u64 {
        let number = self.peek() & ((1 << bits) - 1);
        self.at += bits as usize;
        number
    }

    /// Reads what [`BitWriter::rice`] wrote.
    #[inline]
    pub(super) fn rice(&mut self, k: u32) -> u64 {
        let word = self.peek();
        let ones = word.trailing_ones();
        if ones < MAX_ONES && ones + 1 + k <= RAW_BITS {
            self.at += (ones + 1 + k) as usize;
            u64::from(ones) << k | (word >> (ones + 1)) & ((1 << k) - 1)
        } else if ones < MAX_ONES {
            self.at += ones as usize + 1;
            u64::from(ones) << k | self.bits(k)
        } else {
            self.at += MAX_ONES as usize;
            self.bits(RAW_BITS)
        }
    }

    /// Whether more was read than there is.
    pub(super) fn is_overrun(&self) -> bool {
        self.at > self.bytes.len() * 8
    }

    /// At least 57 bits from here.
    #[inline]
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = rest.first_chunk::<8>().map_or_else(
            || {
                let mut chunk = [0; 8];
                for (to, from) in chunk.iter_mut().zip(rest) {
                    *to = *from;
                }
                u64::from_le_bytes(chunk)
            },
            |chunk| u64::from_le_bytes(*chunk),
        );
        word >> (self.at % 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for k in 0..=56 {
            let numbers: Vec<u64> = (0..56)
                .flat_map(|bit| [(1 << bit) - 1, 1 << bit])
                .chain([(1 << 56) - 1])
                .collect();
            let mut writer = BitWriter::default();
            let mut bits = 0;
            for number in &numbers {
                writer.rice(*number, k);
                writer.bits(*number, 13);
                bits += rice_bits(*number, k) + 13;
            }
            let bytes = writer.finish();
            assert_eq!(bytes.len() as u64, bits.div_ceil(8));
            let mut reader = BitReader::new(&bytes);
            for number in numbers {
                assert_eq!(reader.rice(k), number, "k {k}");
                assert_eq!(reader.bits(13), number & 0x1fff);
            }
            assert!(!reader.is_overrun());
            reader.bits(8);
            assert!(reader.is_overrun() && reader.rice(k) == 0);
        }
    }
}
