/// Length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interval {
    /// From one full minute of the clock to the next.
    Minute,
    /// From one full hour of the clock to the next, or to where the clock is shifted by less.
    Hour,
    /// All instants of one date.
    Day,
    /// All instants of the dates from a Monday to the Sunday.
    Week,
}

impl Interval {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Hour, Self::Day, Self::Week];

    /// The interval of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|interval| interval.name() == name)
    }

    /// The name in requests and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// Microseconds, if the clock is not shifted.
    pub(super) fn usual_us(self) -> i64 {
        const SECOND_US: i64 = 1_000_000;
        match self {
            Self::Minute => 60 * SECOND_US,
            Self::Hour => 3_600 * SECOND_US,
            Self::Day => 86_400 * SECOND_US,
            Self::Week => 604_800 * SECOND_US,
        }
    }
}
