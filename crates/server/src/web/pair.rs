//! Two questions to one snapshot at the same time: a page asks ten, and a machine has more than one core.

use std::panic::resume_unwind;

use crate::problem::Problem;

/// Answers both, the first one on a thread of its own. Blocks.
pub(super) fn pair<A: Send, B>(
    one: impl FnOnce() -> Result<A, Problem> + Send,
    other: impl FnOnce() -> Result<B, Problem>,
) -> Result<(A, B), Problem> {
    let span = tracing::Span::current();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| span.in_scope(one));
        let other = other();
        let one = one.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((one?, other?))
    })
}
