//! Output that is looked at in blocks, and keeps the time at which each byte came.

use std::{collections::VecDeque, time::Duration};

use crate::redact::{Piece, Redaction, TextStream};

/// Takes secrets out of output without losing when it came.
#[derive(Debug, Default)]
pub(super) struct Timed {
    text: TextStream,
    /// Bytes that are still held, by when they came.
    times: VecDeque<(usize, Duration)>,
}

impl Timed {
    /// Takes the next bytes; hands on what is certain.
    pub(super) fn push(
        &mut self,
        with: &Redaction<'_>,
        at: Duration,
        bytes: &[u8],
        emit: &mut dyn FnMut(Duration, Piece<'_>),
    ) {
        if bytes.is_empty() {
            return;
        }
        match self.times.back_mut() {
            Some((length, time)) if *time == at => *length += bytes.len(),
            _ => self.times.push_back((bytes.len(), at)),
        }
        let Self { text, times } = self;
        text.push_each(with, bytes, &mut |piece| split(times, piece, emit));
    }

    /// Hands on everything that is held.
    pub(super) fn settle(
        &mut self,
        with: &Redaction<'_>,
        emit: &mut dyn FnMut(Duration, Piece<'_>),
    ) {
        let Self { text, times } = self;
        text.finish_each(with, &mut |piece| split(times, piece, emit));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// Cuts a piece where the time changes. What stands for a secret comes when the secret's first byte did.
fn split(
    times: &mut VecDeque<(usize, Duration)>,
    piece: Piece<'_>,
    emit: &mut dyn FnMut(Duration, Piece<'_>),
) {
    let mut left = piece.length();
    if let (Piece::Secret { .. }, Some((_, at))) = (piece, times.front()) {
        emit(*at, piece);
    }
    let mut from = 0;
    while left > 0 {
        let Some((length, at)) = times.front_mut() else {
            return;
        };
        let part = left.min(*length);
        if let Piece::Plain(text) = piece {
            let text = text.get(from..from + part).unwrap_or_default();
            emit(*at, Piece::Plain(text));
        }
        *length -= part;
        left -= part;
        from += part;
        if *length == 0 {
            times.pop_front();
        }
    }
}
