//! When streams look at the log.

use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard},
    time::{Instant, sleep_until},
};

/// After a look nobody looks for so many times as long as it took: all streams together take a tenth of one core,
/// however many there are and however fast the log grows. They fall behind before they slow down who writes.
const REST: u32 = 9;
/// Longest rest: one slow look does not blind everybody.
const MAX_REST: Duration = Duration::from_millis(500);

/// The turns of all streams, given in the order in which they were asked for.
pub(crate) struct Turns(Mutex<Instant>);

/// The turn of one stream.
pub(super) struct Turn<'a>(MutexGuard<'a, Instant>);

impl Default for Turns {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Turns {
    pub(super) async fn next(&self) -> Turn<'_> {
        let free_at = self.0.lock().await;
        sleep_until(*free_at).await;
        Turn(free_at)
    }
}

impl Turn<'_> {
    /// Ends the turn; the look took so long.
    pub(super) fn end(mut self, took: Duration) {
        *self.0 = Instant::now() + took.saturating_mul(REST).min(MAX_REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_is_followed_by_a_rest_of_its_length() {
        let turns = Turns::default();
        let begin = Instant::now();
        turns.next().await.end(Duration::from_millis(10));
        turns.next().await.end(Duration::from_secs(100));
        assert_eq!(begin.elapsed(), Duration::from_millis(90));
        drop(turns.next().await);
        // The longest rest, and the clock's last step.
        assert!(begin.elapsed() >= Duration::from_millis(590));
        assert!(begin.elapsed() < Duration::from_millis(600));
    }

    #[tokio::test]
    async fn a_stream_that_ended_in_its_turn_leaves_it_to_the_next() {
        let turns = Turns::default();
        drop(turns.next().await);
        turns.next().await.end(Duration::ZERO);
    }
}
