/// What is added up over events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Number of events.
    #[default]
    Count,
    /// Events whose result is `failure` or `error`.
    Failures,
    /// Events with usage and without cost.
    Unpriced,
    /// Tokens that went in, cached ones too.
    InputTokens,
    /// Tokens that came out.
    OutputTokens,
    /// Input tokens that came from a cache.
    CacheReadTokens,
    /// Input tokens that went into a cache.
    CacheWriteTokens,
    /// Output tokens spent on reasoning.
    ReasoningTokens,
    /// Billionths of a US dollar.
    CostNanousd,
    /// Microseconds.
    DurationUs,
}

/// All figures of some events, exact; 0 where nothing was added. Sums of 64-bit numbers can need more
/// than 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the figure of its name, described there"
)]
pub struct Figures {
    pub count: u64,
    pub failures: u64,
    pub unpriced: u64,
    pub input_tokens: i128,
    pub output_tokens: i128,
    pub cache_read_tokens: i128,
    pub cache_write_tokens: i128,
    pub reasoning_tokens: i128,
    pub cost_nanousd: i128,
    pub duration_us: i128,
}

impl Figure {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Count,
        Self::Failures,
        Self::Unpriced,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::CostNanousd,
        Self::DurationUs,
    ];

    /// The figure of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Failures => "failures",
            Self::Unpriced => "unpriced",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::CacheReadTokens => "cache_read_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::CostNanousd => "cost_nanousd",
            Self::DurationUs => "duration_us",
        }
    }
}

impl Figures {
    /// One of them.
    #[must_use]
    pub fn get(&self, figure: Figure) -> i128 {
        match figure {
            Figure::Count => self.count.into(),
            Figure::Failures => self.failures.into(),
            Figure::Unpriced => self.unpriced.into(),
            Figure::InputTokens => self.input_tokens,
            Figure::OutputTokens => self.output_tokens,
            Figure::CacheReadTokens => self.cache_read_tokens,
            Figure::CacheWriteTokens => self.cache_write_tokens,
            Figure::ReasoningTokens => self.reasoning_tokens,
            Figure::CostNanousd => self.cost_nanousd,
            Figure::DurationUs => self.duration_us,
        }
    }

    pub(crate) fn collect(sum: impl Fn(Figure) -> i128) -> Self {
        // There are never more events than sequence numbers.
        let count = |figure| u64::try_from(sum(figure)).unwrap_or(u64::MAX);
        Self {
            count: count(Figure::Count),
            failures: count(Figure::Failures),
            unpriced: count(Figure::Unpriced),
            input_tokens: sum(Figure::InputTokens),
            output_tokens: sum(Figure::OutputTokens),
            cache_read_tokens: sum(Figure::CacheReadTokens),
            cache_write_tokens: sum(Figure::CacheWriteTokens),
            reasoning_tokens: sum(Figure::ReasoningTokens),
            cost_nanousd: sum(Figure::CostNanousd),
            duration_us: sum(Figure::DurationUs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Figures};

    #[test]
    fn every_figure_is_found_by_its_name_and_keeps_its_place() {
        let figures = Figures::collect(|figure| figure as i128);
        for figure in Figure::ALL {
            assert_eq!(Figure::from_name(figure.name()), Some(figure));
            assert_eq!(figures.get(figure), figure as i128);
        }
        assert_eq!(Figure::from_name("tokens"), None);
    }
}
