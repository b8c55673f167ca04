use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{TimeZone, TimeZoneDatabase},
};

/// A time zone of the tz database that the program carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// No time zone has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`")]
pub struct UnknownZone {
    /// As it was asked for.
    pub name: String,
}

/// A run of instants at which a zone's clock is equally far from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetSpan {
    /// First instant, microseconds since 1970.
    pub(super) start: i64,
    /// What is added to UTC, microseconds.
    pub(super) offset: i64,
}

const SECOND_US: i64 = 1_000_000;

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of an IANA name such as `Europe/Berlin`, without regard to case.
    ///
    /// # Errors
    /// [`UnknownZone`] if there is none.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let unknown = |_| UnknownZone {
            name: name.to_owned(),
        };
        let zone = TimeZoneDatabase::bundled().get(name).map_err(unknown)?;
        Ok(Self(zone))
    }

    /// The canonical name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// An instant as the zone's clock shows it, `2026-03-29T03:00:00+02:00`; seconds of an offset are
    /// moved into the time, since RFC 3339 has none. `None` beyond the year 9999.
    pub(super) fn rfc3339(&self, instant_us: i64) -> Option<String> {
        let offset_min = (self.offset_us(instant_us) / SECOND_US).div_euclid(60);
        let local = instant_us
            .div_euclid(SECOND_US)
            .checked_add(offset_min * 60)?;
        let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let local = epoch.checked_add(SignedDuration::from_secs(local)).ok()?;
        let sign = if offset_min < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset_min.abs() / 60, offset_min.abs() % 60);
        Some(format!(
            "{}{sign}{hours:02}:{minutes:02}",
            local.strftime("%Y-%m-%dT%H:%M:%S")
        ))
    }

    /// The spans that the instants from one to another, both meant, are in.
    pub(super) fn spans(&self, from: i64, last: i64) -> impl Iterator<Item = OffsetSpan> {
        let first = OffsetSpan {
            start: from,
            offset: self.offset_us(from),
        };
        let shifts = self.0.following(timestamp(from)).map(|shift| OffsetSpan {
            start: shift.timestamp().as_microsecond(),
            offset: i64::from(shift.offset().seconds()) * SECOND_US,
        });
        let shifts = shifts.take_while(move |shift| shift.start <= last);
        std::iter::once(first).chain(shifts)
    }

    fn offset_us(&self, instant_us: i64) -> i64 {
        i64::from(self.0.to_offset(timestamp(instant_us)).seconds()) * SECOND_US
    }
}

/// The nearest instant that the tz database speaks of.
fn timestamp(instant_us: i64) -> Timestamp {
    let beyond = if instant_us < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_microsecond(instant_us).unwrap_or(beyond)
}
