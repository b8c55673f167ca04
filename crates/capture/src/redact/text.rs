//! Redaction of a text that comes in pieces.

use super::{Piece, Redaction, find::Found, marks};

/// A text is looked at in blocks of this many bytes, at the same places however it was cut into pieces.
const BLOCK_BYTES: usize = 128 << 10;
/// Longest secret that is found across the border of two blocks, bytes: a private key of 16,384 bits.
const OVERLAP_BYTES: usize = 16 << 10;
/// Bytes before a block that patterns such as `\b` may look at.
const CONTEXT_BYTES: usize = 64;

/// What is still to be looked at.
#[derive(Debug, Default)]
pub(crate) struct TextStream {
    pending: Vec<u8>,
    /// So many bytes at the start of `pending` have left already.
    context: usize,
}

impl TextStream {
    /// Whether nothing has left yet: then `pending` is the whole text so far.
    pub(super) fn is_whole(&self) -> bool {
        self.context == 0
    }

    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.context = 0;
    }

    /// Takes the next piece; appends to `out` what is certain.
    pub(crate) fn push(
        &mut self,
        with: &Redaction<'_>,
        piece: &[u8],
        out: &mut Vec<u8>,
        count: &mut u64,
    ) {
        self.push_each(with, piece, &mut counting(out, count));
    }

    /// The rest, at the end of the text.
    pub(crate) fn finish(&mut self, with: &Redaction<'_>, out: &mut Vec<u8>, count: &mut u64) {
        self.finish_each(with, &mut counting(out, count));
    }

    /// The same as [`Self::push`], for those who have to know what stood where.
    pub(crate) fn push_each(
        &mut self,
        with: &Redaction<'_>,
        mut text: &[u8],
        emit: &mut dyn FnMut(Piece<'_>),
    ) {
        loop {
            let room = (self.context + BLOCK_BYTES).saturating_sub(self.pending.len());
            let (now, later) = text.split_at(text.len().min(room));
            self.pending.extend_from_slice(now);
            if later.is_empty() {
                return;
            }
            self.block(with, emit);
            text = later;
        }
    }

    /// The same as [`Self::finish`].
    pub(crate) fn finish_each(&mut self, with: &Redaction<'_>, emit: &mut dyn FnMut(Piece<'_>)) {
        let found = with.find(&self.pending, self.context);
        with.each(
            &self.pending,
            self.context,
            self.pending.len(),
            &found,
            emit,
        );
        self.clear();
    }

    /// A full block: everything leaves but for its end, which the next one may change.
    fn block(&mut self, with: &Redaction<'_>, emit: &mut dyn FnMut(Piece<'_>)) {
        let mut found = with.find(&self.pending, self.context);
        let mut end = border(&found, self.context, self.pending.len());
        // The next block must see a mark as a whole, or it would be no mark to it.
        if let Some(mark) = marks::around(&with.marks().find(&self.pending), end)
            && mark.start > self.context
        {
            end = mark.start;
        }
        found.retain(|secret| secret.start < end);
        with.each(&self.pending, self.context, end, &found, emit);
        let keep = end.saturating_sub(CONTEXT_BYTES);
        self.pending.drain(..keep);
        self.context = end - keep;
    }
}

/// Appends what is recorded, and counts the secrets.
fn counting<'a>(out: &'a mut Vec<u8>, count: &'a mut u64) -> impl FnMut(Piece<'_>) + 'a {
    |piece| {
        *count += u64::from(matches!(piece, Piece::Secret { .. }));
        out.extend_from_slice(piece.after());
    }
}

/// How far a block is settled.
fn border(found: &[Found], context: usize, length: usize) -> usize {
    let border = length.saturating_sub(OVERLAP_BYTES);
    let across = found
        .iter()
        .find(|secret| secret.start < border && border < secret.end);
    match across {
        None => border,
        Some(secret) if secret.end < length => secret.end,
        // It may go on; unless it fills the block, which no secret does.
        Some(secret) if secret.start > context => secret.start,
        Some(_) => length,
    }
}
