//! Tables on a terminal.

use std::fmt::Write;

use crate::screen::{Paint, shown};

/// Blanks between columns.
const GAP: usize = 2;
/// No column is made narrower than this.
const MIN_WIDTH: usize = 6;

/// How a cell is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Dim,
    Good,
    Bad,
    Accent,
}

/// One cell; its text may be hostile.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
    is_right: bool,
}

impl Cell {
    pub(crate) fn new(text: &str, tone: Tone) -> Self {
        Self {
            text: shown(text).into_owned(),
            tone,
            is_right: false,
        }
    }

    pub(crate) fn plain(text: &str) -> Self {
        Self::new(text, Tone::Plain)
    }

    pub(crate) fn right(text: &str, tone: Tone) -> Self {
        Self {
            is_right: true,
            ..Self::new(text, tone)
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn paint(&self, paint: Paint, width: usize, is_last: bool) -> String {
        let cut = cut(&self.text, width);
        let pad = " ".repeat(width.saturating_sub(cut.chars().count()));
        let text = match self.tone {
            Tone::Plain => cut,
            Tone::Dim => paint.dim(&cut),
            Tone::Good => paint.good(&cut),
            Tone::Bad => paint.bad(&cut),
            Tone::Accent => paint.accent(&cut),
        };
        match (self.is_right, is_last) {
            (true, _) => format!("{pad}{text}"),
            (false, true) => text,
            (false, false) => format!("{text}{pad}"),
        }
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Lines of a table that fits in `columns`: the widest columns give way first.
pub(crate) fn draw(head: &[&str], rows: &[Vec<Cell>], columns: usize, paint: Paint) -> String {
    let widths = widths(head, rows, columns);
    let mut out = String::new();
    let last = head.len().saturating_sub(1);
    let mut line = |cells: Vec<String>| {
        let _ = writeln!(out, "{}", cells.join(&" ".repeat(GAP)).trim_end());
    };
    line(
        head.iter()
            .zip(&widths)
            .enumerate()
            .map(|(index, (name, width))| {
                Cell::new(name, Tone::Dim).paint(paint, *width, index == last)
            })
            .collect(),
    );
    for row in rows {
        line(
            row.iter()
                .zip(&widths)
                .enumerate()
                .map(|(index, (cell, width))| cell.paint(paint, *width, index == last))
                .collect(),
        );
    }
    out
}

fn widths(head: &[&str], rows: &[Vec<Cell>], columns: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = head.iter().map(|name| name.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    loop {
        let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let Some(widest) = widths.iter_mut().max() else {
            return widths;
        };
        if total <= columns || *widest <= MIN_WIDTH {
            return widths;
        }
        *widest -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_column_gives_way() {
        let rows = [vec![
            Cell::right("7", Tone::Dim),
            Cell::plain("a long text"),
            Cell::plain("ok\x1b"),
        ]];
        let text = draw(&["seq", "what", "r"], &rows, 100, Paint::none());
        assert_eq!(text, "seq  what         r\n  7  a long text  ok\\u{1b}\n");
        let text = draw(&["seq", "what", "r"], &rows, 22, Paint::none());
        assert_eq!(text, "seq  what      r\n  7  a long …  ok\\u{1…\n");
    }
}
