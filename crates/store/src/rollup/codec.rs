//! A cuboid as bytes: variable-length integers, column by column.

use super::{Cuboid, Labels, Measure, Span};
use crate::numbering::Numbering;

/// Appends unsigned integers, seven bits a byte, the last one without the top bit.
fn push(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// So that small numbers of both signs are short.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn push_signed(out: &mut Vec<u8>, number: i64) {
    push(out, zigzag(number));
}

pub(super) fn write(cuboid: &Cuboid, out: &mut Vec<u8>) {
    push(out, cuboid.cells as u64);
    let mut before = 0;
    for start in &cuboid.starts {
        push_signed(out, start.wrapping_sub(before));
        before = *start;
    }
    for (labels, codes) in cuboid.labels.iter().zip(&cuboid.codes) {
        push(out, labels.len() as u64);
        match labels {
            Labels::Texts(texts, ends) => {
                let mut before = 0;
                for end in ends {
                    push(out, u64::from(end - before));
                    before = *end;
                }
                out.extend_from_slice(texts.as_bytes());
            }
            Labels::Numbers(numbers) => {
                for number in numbers {
                    push_signed(out, *number);
                }
            }
        }
        for code in codes {
            push(out, (*code).into());
        }
    }
    for sums in &cuboid.sums {
        out.push(u8::from(!sums.is_empty()));
        for sum in sums {
            push_signed(out, *sum);
        }
    }
    for span in &cuboid.spans {
        push(out, span.rows[0].into());
        push(out, u64::from(span.rows[1] - span.rows[0]));
        push_signed(out, span.time[0]);
        push(out, span.time[1].wrapping_sub(span.time[0]).cast_unsigned());
    }
}

/// What a cuboid has besides its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    /// For each dimension whether its values are text.
    pub(super) is_text: &'a [bool],
    pub(super) has_time: bool,
    pub(super) has_spans: bool,
    /// Of the segment.
    pub(super) rows: u32,
}

/// `None` if the bytes are not those of a cuboid of this form.
pub(super) fn read(bytes: &[u8], form: Form<'_>) -> Option<Cuboid> {
    let mut input = Input(bytes);
    // A cell takes more than a byte.
    let cells = input.length()?;
    let mut cuboid = Cuboid {
        cells,
        ..Cuboid::default()
    };
    if form.has_time {
        let mut before = 0_i64;
        for _ in 0..cells {
            before = before.wrapping_add(input.signed()?);
            cuboid.starts.push(before);
        }
    }
    for is_text in form.is_text {
        let labels = input.labels(*is_text)?;
        let most = u32::try_from(labels.len()).ok()?;
        let code = |_| {
            u32::try_from(input.next()?)
                .ok()
                .filter(|code| *code <= most)
        };
        cuboid
            .codes
            .push((0..cells).map(code).collect::<Option<_>>()?);
        cuboid.labels.push(labels);
        cuboid.numberings.push(Numbering::default());
    }
    for sums in cuboid.sums.iter_mut().take(Measure::ALL.len()) {
        if input.flag()? {
            *sums = (0..cells).map(|_| input.signed()).collect::<Option<_>>()?;
        }
    }
    if form.has_spans {
        for _ in 0..cells {
            let first = u32::try_from(input.next()?).ok()?;
            let last = first.checked_add(u32::try_from(input.next()?).ok()?)?;
            let from = input.signed()?;
            let to = from.checked_add(i64::try_from(input.next()?).ok()?)?;
            if last >= form.rows {
                return None;
            }
            cuboid.spans.push(Span {
                rows: [first, last],
                time: [from, to],
            });
        }
    }
    input.0.is_empty().then_some(cuboid)
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn next(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.next()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number of things that take a byte each at least.
    fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.next()?).ok()?;
        (length <= self.0.len()).then_some(length)
    }

    fn flag(&mut self) -> Option<bool> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        (*byte < 2).then_some(*byte == 1)
    }

    fn labels(&mut self, is_text: bool) -> Option<Labels> {
        let count = self.length()?;
        if !is_text {
            let numbers = (0..count).map(|_| self.signed());
            return numbers.collect::<Option<_>>().map(Labels::Numbers);
        }
        let mut ends = Vec::with_capacity(count);
        let mut end = 0_u32;
        for _ in 0..count {
            end = end.checked_add(u32::try_from(self.next()?).ok()?)?;
            ends.push(end);
        }
        let (texts, rest) = self.0.split_at_checked(end as usize)?;
        self.0 = rest;
        let texts = std::str::from_utf8(texts).ok()?;
        let is_cut = |end: &u32| texts.is_char_boundary(*end as usize);
        ends.iter()
            .all(is_cut)
            .then(|| Labels::Texts(texts.to_owned(), ends))
    }
}
