//! Times by the reader's clock.

use jiff::{
    Timestamp, Zoned,
    civil::DateTime,
    tz::{TimeZone, TimeZoneDatabase},
};
use maud::{Markup, html};
use query::Zone;

/// The clock that a reader wants to see.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    now_us: i64,
}

impl Clock {
    /// The clock of a zone by its IANA name; `None` if there is none.
    pub(super) fn new(name: &str, now_us: i64) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { zone, now_us })
    }

    pub(super) fn utc(now_us: i64) -> Self {
        Self {
            zone: TimeZone::UTC,
            now_us,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    pub(super) fn now_us(&self) -> i64 {
        self.now_us
    }

    /// The same for buckets.
    pub(super) fn zone(&self) -> Zone {
        Zone::parse(self.name()).unwrap_or(Zone::UTC)
    }

    fn at(&self, us: i64) -> Zoned {
        timestamp(us).to_zoned(self.zone.clone())
    }

    /// `14:34:31`
    pub(super) fn time(&self, us: i64) -> String {
        self.at(us).strftime("%H:%M:%S").to_string()
    }

    /// `14:34:31.204`
    pub(super) fn exact(&self, us: i64) -> String {
        self.at(us).strftime("%H:%M:%S%.3f").to_string()
    }

    /// `14:34`
    pub(super) fn minute(&self, us: i64) -> String {
        self.at(us).strftime("%H:%M").to_string()
    }

    /// `Thu 19 Nov`, with the year unless it is this one.
    pub(super) fn day(&self, us: i64) -> String {
        let at = self.at(us);
        let format = if at.year() == self.at(self.now_us).year() {
            "%a %-d %b"
        } else {
            "%a %-d %b %Y"
        };
        at.strftime(format).to_string()
    }

    /// `19 Nov`, with the year unless it is this one.
    pub(super) fn date(&self, us: i64) -> String {
        let at = self.at(us);
        let format = if at.year() == self.at(self.now_us).year() {
            "%-d %b"
        } else {
            "%-d %b %Y"
        };
        at.strftime(format).to_string()
    }

    /// `Thu 19 Nov 14:34`
    pub(super) fn stamp(&self, us: i64) -> String {
        format!("{} {}", self.day(us), self.minute(us))
    }

    /// Whether two instants are on one day.
    pub(super) fn same_day(&self, one: i64, other: i64) -> bool {
        self.at(one).date() == self.at(other).date()
    }

    /// The time of a day, today's, or the day of another one.
    pub(super) fn short(&self, us: i64) -> String {
        if self.same_day(us, self.now_us) {
            self.minute(us)
        } else {
            self.date(us)
        }
    }

    /// For an input of kind `datetime-local`.
    pub(super) fn input(&self, us: i64) -> String {
        self.at(us).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// What such an input or a person wrote: a date, or a date and a time of this clock.
    pub(super) fn local(&self, text: &str) -> Option<i64> {
        let time: DateTime = match text.len() {
            10 => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
            // A time with a zone says itself when it is.
            16.. if !text.get(16..)?.contains(['Z', 'z', '+', '-']) => text.parse().ok()?,
            _ => return None,
        };
        let at = time.to_zoned(self.zone.clone()).ok()?;
        Some(at.timestamp().as_microsecond())
    }

    /// First instant of the local date that is some days before that of an instant.
    pub(super) fn midnight(&self, us: i64, days_before: i64) -> i64 {
        let date = self.at(us).date();
        let date = date
            .checked_sub(jiff::Span::new().days(days_before))
            .unwrap_or(date);
        let start = date.to_zoned(self.zone.clone());
        start.map_or(us, |start| start.timestamp().as_microsecond())
    }

    /// First instant of a month, so many months before the one of now.
    pub(super) fn month_start(&self, months_before: i32) -> i64 {
        let date = self.at(self.now_us).date().first_of_month();
        let date = date
            .checked_sub(jiff::Span::new().months(months_before))
            .unwrap_or(date);
        let start = date.to_zoned(self.zone.clone());
        start.map_or(self.now_us, |start| start.timestamp().as_microsecond())
    }
}

/// A time that says the same in UTC when it is pointed at.
pub(super) fn tag(us: i64, text: &str) -> Markup {
    html! { time datetime=(rfc3339(us)) title=(utc(us)) { (text) } }
}

/// `2026-11-19T13:34:31.204000Z`
pub(super) fn rfc3339(us: i64) -> String {
    timestamp(us).strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// `19 Nov 2026, 13:34:31.204 UTC`
pub(super) fn utc(us: i64) -> String {
    timestamp(us)
        .strftime("%-d %b %Y, %H:%M:%S%.3f UTC")
        .to_string()
}

fn timestamp(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-19T13:34:31.204Z
    const THEN: i64 = 1_795_095_271_204_000;

    #[test]
    fn times_are_those_of_the_zone() {
        let clock = Clock::new("Europe/Berlin", THEN + 60_000_000).unwrap();
        assert_eq!(clock.exact(THEN), "14:34:31.204");
        assert_eq!(clock.stamp(THEN), "Thu 19 Nov 14:34");
        assert_eq!(clock.day(0), "Thu 1 Jan 1970");
        assert_eq!(utc(THEN), "19 Nov 2026, 13:34:31.204 UTC");
        assert_eq!(rfc3339(THEN), "2026-11-19T13:34:31.204000Z");
        assert!(Clock::new("Europe/Nowhere", 0).is_none());
    }

    #[test]
    fn what_a_form_sends_is_read_by_the_readers_clock() {
        let clock = Clock::new("Europe/Berlin", THEN).unwrap();
        let minute = THEN - 31_204_000;
        assert_eq!(clock.input(THEN), "2026-11-19T14:34");
        assert_eq!(clock.local("2026-11-19T14:34"), Some(minute));
        assert_eq!(clock.local("2026-11-19T14:34:31.204"), Some(THEN));
        assert_eq!(clock.local("2026-11-19"), Some(clock.midnight(THEN, 0)));
        for other in [
            "",
            "-1h",
            "2026-11-19T13:34:00Z",
            "2026-11-19T13:34:00+01:00",
            "2026-13-01",
            "yesterday",
        ] {
            assert_eq!(clock.local(other), None, "{other}");
        }
    }
}
