//! A terminal session as an asciicast, version 3, in parts of bounded size. Pure.
//!
//! What is typed is not recorded, only what the terminal shows: a password that is typed without echo is never seen.

mod cast;
mod timed;

use std::{collections::VecDeque, time::Duration};

use super::stream::Recorded;
use crate::redact::{Piece, Redaction};
use cast::Cast;
pub use cast::Header;
use timed::Timed;

/// A session is told of at least so often while something happens, so that one that is killed loses little.
pub const PART_EVERY: Duration = Duration::from_mins(2);
/// Without output for so long a screen is at rest, and a secret is hardly half printed.
const REST: Duration = Duration::from_millis(500);

/// A session that goes on.
#[derive(Debug)]
pub struct Session {
    header: Header,
    timed: Timed,
    screen: Screen,
    /// Parts that are complete.
    parts: u64,
    part_began: Duration,
    last_output: Duration,
}

/// What is settled of a session.
#[derive(Debug)]
struct Screen {
    cast: Cast,
    /// Everything that was shown.
    shown: Recorded,
    /// Sizes whose place in the output is not settled yet.
    sizes: VecDeque<(Duration, u16, u16)>,
}

/// A part of a session: an asciicast of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u64,
    /// The asciicast.
    pub cast: String,
    /// Secrets that were taken out.
    pub redactions: u64,
    /// Bytes of output that are not in it.
    pub missing_bytes: u64,
}

impl Session {
    /// A session that begins; times are counted from then.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self {
            screen: Screen {
                cast: Cast::new(&header, Duration::ZERO),
                shown: Recorded::default(),
                sizes: VecDeque::new(),
            },
            header,
            timed: Timed::default(),
            parts: 0,
            part_began: Duration::ZERO,
            last_output: Duration::ZERO,
        }
    }

    /// The terminal shows these bytes.
    pub fn output(&mut self, with: &Redaction<'_>, at: Duration, bytes: &[u8]) {
        self.last_output = at;
        let Self { timed, screen, .. } = self;
        timed.push(with, at, bytes, &mut |at, piece| screen.show(at, piece));
    }

    /// The terminal has another size from now on.
    pub fn resize(&mut self, at: Duration, cols: u16, rows: u16) {
        (self.header.cols, self.header.rows) = (cols, rows);
        self.screen.sizes.push_back((at, cols, rows));
    }

    /// When to look again whether a part is due; none while nothing happens.
    #[must_use]
    pub fn due_in(&self, now: Duration) -> Option<Duration> {
        let is_something = !self.screen.cast.is_empty() || !self.timed.is_empty();
        let due = (self.part_began + PART_EVERY).max(self.last_output + REST);
        is_something.then(|| due.saturating_sub(now))
    }

    /// The part up to now, if it is time for one.
    pub fn part(&mut self, with: &Redaction<'_>, now: Duration) -> Option<Part> {
        let is_old = now >= self.part_began + PART_EVERY && !self.screen.cast.is_empty();
        let is_due = self.due_in(now) == Some(Duration::ZERO) || is_old;
        if !is_due {
            return None;
        }
        if now >= self.last_output + REST {
            self.settle(with);
        }
        Some(self.take(now, None))
    }

    /// The last part, and all that was shown.
    #[must_use]
    pub fn finish(mut self, with: &Redaction<'_>, now: Duration, status: i32) -> (Part, Recorded) {
        self.settle(with);
        let part = self.take(now, Some(status));
        (part, self.screen.shown)
    }

    fn settle(&mut self, with: &Redaction<'_>) {
        let Self { timed, screen, .. } = self;
        timed.settle(with, &mut |at, piece| screen.show(at, piece));
        screen.resize_until(Duration::MAX);
    }

    fn take(&mut self, now: Duration, status: Option<i32>) -> Part {
        let next = Cast::new(&self.header, now);
        let mut cast = std::mem::replace(&mut self.screen.cast, next);
        if let Some(status) = status {
            cast.exit(now, status);
        }
        self.parts += 1;
        self.part_began = now;
        cast.finish(self.parts)
    }
}

impl Screen {
    fn show(&mut self, at: Duration, piece: Piece<'_>) {
        self.resize_until(at);
        self.shown.keep(piece);
        self.cast.output(at, piece);
    }

    fn resize_until(&mut self, at: Duration) {
        while let Some((since, cols, rows)) =
            self.sizes.front().copied().filter(|size| size.0 <= at)
        {
            self.cast.resize(since, cols, rows);
            self.sizes.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::redact::{Redactor, Secret, label};

    fn header() -> Header {
        Header {
            cols: 80,
            rows: 24,
            term: "xterm".to_owned(),
            command: "bash".to_owned(),
            began_s: 1_700_000_000,
        }
    }

    fn events(part: &Part) -> Vec<Value> {
        let mut lines = part.cast.lines();
        let head: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(head["version"], 3);
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn shown(events: &[Value]) -> String {
        let outputs = events.iter().filter(|event| event[1] == "o");
        outputs.map(|event| event[2].as_str().unwrap()).collect()
    }

    fn redactor() -> Redactor {
        Redactor::new(None, &[], &[3; 32]).unwrap()
    }

    #[test]
    fn sizes_and_the_end_have_their_place_and_time() {
        let redactor = redactor();
        let with = redactor.with(&[]);
        let at = Duration::from_millis;
        let mut session = Session::new(header());
        session.output(&with, at(100), b"a");
        session.resize(at(350), 100, 30);
        session.output(&with, at(600), "\u{e9}".as_bytes());
        let (part, shown) = session.finish(&with, at(1_600), 3);
        let found: Vec<_> = events(&part).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                r#"[0.1,"o","a"]"#,
                r#"[0.25,"r","100x30"]"#,
                "[0.25,\"o\",\"\u{e9}\"]",
                r#"[1.0,"x","3"]"#
            ]
        );
        assert_eq!((part.number, shown.excerpt.bytes()), (1, 3));
    }

    #[test]
    fn a_size_in_the_middle_of_a_character_does_not_break_it() {
        let redactor = redactor();
        let with = redactor.with(&[]);
        let at = Duration::from_millis;
        let mut session = Session::new(header());
        session.output(&with, at(1), b"\xc3");
        session.resize(at(2), 100, 30);
        session.output(&with, at(3), b"\xa9");
        let (part, _) = session.finish(&with, at(4), 0);
        assert_eq!(shown(&events(&part)), "\u{e9}");
    }

    #[test]
    fn a_long_session_comes_in_parts_that_add_up() {
        let redactor = redactor();
        let with = redactor.with(&[]);
        let mut session = Session::new(header());
        let (mut all, mut parts) = (String::new(), Vec::new());
        for second in 0..600 {
            let text = format!("line {second}\r\n");
            session.output(&with, Duration::from_secs(second), text.as_bytes());
            all.push_str(&text);
            let now = Duration::from_millis(second * 1_000 + 600);
            parts.extend(session.part(&with, now));
        }
        let (last, whole) = session.finish(&with, Duration::from_mins(10), 0);
        parts.push(last);
        assert_eq!(parts.len(), 5);
        let numbers: Vec<_> = parts.iter().map(|part| part.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let together: String = parts.iter().map(|part| shown(&events(part))).collect();
        assert_eq!(together, all);
        assert_eq!(whole.excerpt.bytes(), all.len() as u64);
    }

    #[test]
    fn a_flood_is_cut_and_says_so() {
        let redactor = redactor();
        let with = redactor.with(&[]);
        let mut session = Session::new(header());
        let line = "\u{1b}[31m0123456789\u{1b}[0m\r\n".repeat(400);
        for step in 0..2_000_u64 {
            session.output(&with, Duration::from_millis(step), line.as_bytes());
        }
        session.output(&with, Duration::from_secs(3), b"the end");
        let (part, whole) = session.finish(&with, Duration::from_secs(4), 0);
        assert!(part.cast.len() < 900 << 10, "{}", part.cast.len());
        let events = events(&part);
        let kept = shown(&events);
        assert_eq!(
            kept.len() as u64 + part.missing_bytes,
            whole.excerpt.bytes()
        );
        assert!(kept.starts_with("\u{1b}[31m0123") && kept.ends_with("the end"));
        assert!(events.iter().any(|event| event[1] == "m"));
        let length: f64 = events.iter().map(|event| event[0].as_f64().unwrap()).sum();
        assert!((length - 4.0).abs() < 1e-3, "{length}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn secrets_go_and_times_stay_however_it_comes(
            text in proptest::collection::vec(any::<u8>(), 0..400),
            pad in 0_usize..90_000,
            steps in proptest::collection::vec(1_usize..9_000, 1..40),
        ) {
            let redactor = redactor();
            let secrets = [Secret { label: label::ENVIRONMENT, value: "hidden-value-1".to_owned() }];
            let with = redactor.with(&secrets);
            let mut bytes = vec![b'.'; pad];
            bytes.extend_from_slice(b"hidden-value-1");
            bytes.extend_from_slice(&text);
            let mut session = Session::new(header());
            let (mut rest, mut at) = (bytes.as_slice(), 0_u32);
            for step in steps.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at(rest.len().min(*step));
                at += 1;
                session.output(&with, Duration::from_millis(at.into()), now);
                rest = later;
            }
            let (part, whole) = session.finish(&with, Duration::from_millis(at.into()), 0);
            prop_assert!(!part.cast.contains("hidden-value-1"));
            prop_assert!(part.redactions >= 1 && part.redactions == whole.redactions);
            let events = events(&part);
            let length: f64 = events.iter().map(|event| event[0].as_f64().unwrap()).sum();
            prop_assert!((length - f64::from(at) / 1_000.0).abs() < 1e-3, "{} {}", length, at);
            let mark = format!("[REDACTED:environment:{}]", redactor.fingerprint(b"hidden-value-1"));
            prop_assert!(shown(&events).contains(&mark));
        }
    }
}
