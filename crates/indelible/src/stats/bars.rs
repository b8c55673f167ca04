//! Numbers as block characters.

const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of at most `width` cells, full for `most`; anything above 0 can be seen.
pub(super) fn bar(value: f64, most: f64, width: usize) -> String {
    let eighths = steps(value, most, width * 8);
    let mut bar = "█".repeat(eighths / 8);
    bar.extend(EIGHTHS.get(eighths % 8).filter(|rest| **rest != ' '));
    bar
}

/// One character for each value, full height for `most`; anything above 0 can be seen.
pub(super) fn sparkline(values: &[f64], most: f64) -> String {
    let height = |value: &f64| HEIGHTS.get(steps(*value, most, 8));
    values.iter().filter_map(height).collect()
}

fn steps(value: f64, most: f64, count: usize) -> usize {
    if value <= 0.0 || most <= 0.0 {
        return 0;
    }
    let share = (value / most).min(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and a few hundred"
    )]
    let steps = (share * count as f64).round() as usize;
    steps.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_eighths_and_something_is_never_nothing() {
        assert_eq!(bar(8.0, 8.0, 4), "████");
        assert_eq!(bar(3.0, 8.0, 4), "█▌");
        assert_eq!(bar(0.001, 8.0, 4), "▏");
        assert_eq!(bar(0.0, 8.0, 4), "");
        assert_eq!(bar(0.0, 0.0, 4), "");
    }

    #[test]
    fn a_sparkline_has_a_character_for_each_value() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0, 0.001], 8.0), " ▁▄█▁");
    }
}
