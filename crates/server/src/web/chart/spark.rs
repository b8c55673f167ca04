use maud::{Markup, html};

const WIDTH: usize = 64;
const HEIGHT: usize = 22;
/// Points of a line: one for each second pixel says as much as more.
const MOST_POINTS: usize = 32;

/// A line of how something went, its last point marked. Nothing for less than three points.
pub(in super::super) fn spark(values: &[u128]) -> Markup {
    let values = gathered(values);
    let Some(most) = values.iter().max().filter(|_| values.len() >= 3) else {
        return html! {};
    };
    let last = values.len() - 1;
    let points: Vec<(String, String)> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let x = index * 10 * (WIDTH - 3) / last + 10;
            let rise = (value * (HEIGHT as u128 - 4) * 10)
                .checked_div(*most)
                .unwrap_or(0);
            let y = (HEIGHT as u128 - 2) * 10 - rise;
            (super::pixels(x as u128), super::pixels(y))
        })
        .collect();
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let line = line.join(" ");
    let (Some(first), Some(end)) = (points.first(), points.last()) else {
        return html! {};
    };
    let area = format!("{},{HEIGHT} {line} {},{HEIGHT}", first.0, end.0);
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } aria-hidden="true" {
            polygon.area points=(area) {}
            polyline.stroke points=(line) {}
            circle.last cx=(end.0) cy=(end.1) r="2" {}
        }
    }
}

/// Sums of neighbours, so that there are not too many points. The last group may be smaller; it is left out then, as a
/// fall that nothing fell by.
fn gathered(values: &[u128]) -> Vec<u128> {
    let each = values.len().div_ceil(MOST_POINTS).max(1);
    let chunks = values.rchunks(each).rev();
    let whole = chunks.skip_while(|chunk| chunk.len() < each);
    whole.map(|chunk| chunk.iter().sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_are_gathered_from_the_end() {
        assert_eq!(gathered(&[1, 2, 3]), [1, 2, 3]);
        let many: Vec<u128> = vec![1; 100];
        let points = gathered(&many);
        assert_eq!(points, vec![4; 25]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(spark(&[]).into_string(), "");
        assert_eq!(spark(&[1, 2]).into_string(), "");
        assert!(spark(&[0, 0, 0]).into_string().contains("20.0"));
    }
}
