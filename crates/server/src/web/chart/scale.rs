/// Where the lines of a chart lie: round steps from 0, at most four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    pub(super) step: u128,
    pub(super) lines: u128,
}

impl Scale {
    /// The smallest scale of round steps that holds a value.
    pub(super) fn of(largest: u128) -> Self {
        const MOST_LINES: u128 = 4;
        let mut power = 1;
        loop {
            // Times a power of ten; a count has no step of 2.5.
            let steps = [10, 20, 25, 40, 50].map(|tenths| tenths * power);
            for tenths in steps {
                let step = tenths / 10;
                if tenths % 10 == 0 && step * MOST_LINES >= largest {
                    return Self {
                        step,
                        lines: largest.max(1).div_ceil(step),
                    };
                }
            }
            let Some(next) = power
                .checked_mul(10)
                .filter(|power| *power < u128::MAX / 1_000)
            else {
                return Self {
                    step: largest,
                    lines: 1,
                };
            };
            power = next;
        }
    }

    pub(super) fn top(self) -> u128 {
        self.step.saturating_mul(self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_hold_the_largest_value() {
        for (largest, step, lines) in [
            (0, 1, 1),
            (1, 1, 1),
            (4, 1, 4),
            (5, 2, 3),
            (10, 4, 3),
            (17, 5, 4),
            (60, 20, 3),
            (99, 25, 4),
            (1_550, 400, 4),
            (1_600, 400, 4),
            (1_601, 500, 4),
        ] {
            assert_eq!(Scale::of(largest), Scale { step, lines }, "{largest}");
        }
        for largest in 0..5_000 {
            let scale = Scale::of(largest);
            assert!(scale.top() >= largest && scale.lines <= 4, "{largest}");
        }
        assert!(Scale::of(u128::MAX).top() >= u128::MAX / 1_000);
    }
}
