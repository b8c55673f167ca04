use std::fmt::{self, Display, Formatter, Write};

use super::{
    Comparison, Decimal, Expr, Filter, Part, Path, PathTest, Term, TextPattern, Unit,
    term::is_numeric,
};

/// Text that [`parse`](super::parse) reads as this filter again.
impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.terms() {
            [only] => only.fmt(f),
            terms => and(f, terms),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => and(f, parts),
            Self::Or(parts) => separated(f, parts, " OR ", |f, part| part.fmt(f)),
            Self::Not(inner) => match inner.as_ref() {
                Self::Term(Term::Has(Part::Approval)) => f.write_str("is:unapproved"),
                Self::Term(term) => write!(f, "-{term}"),
                other => write!(f, "-({other})"),
            },
            Self::Term(term) => term.fmt(f),
        }
    }
}

fn and(f: &mut Formatter<'_>, parts: &[Expr]) -> fmt::Result {
    separated(f, parts, " ", |f, part| match part {
        Expr::Or(_) => write!(f, "({part})"),
        other => other.fmt(f),
    })
}

fn separated(
    f: &mut Formatter<'_>,
    parts: &[Expr],
    separator: &str,
    print: fn(&mut Formatter<'_>, &Expr) -> fmt::Result,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        print(f, part)?;
    }
    Ok(())
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(field, pattern) => {
                write!(f, "{}:", field.name())?;
                value(f, pattern)
            }
            Self::Number(field, range) => {
                f.write_str(field.name())?;
                comparison(f, range.comparison(), field.unit())
            }
            Self::Present(field) => write!(f, "{}:*", field.name()),
            Self::Path(path, test) => {
                path.fmt(f)?;
                match test {
                    PathTest::Present => f.write_str(":*"),
                    PathTest::Text(pattern) => {
                        f.write_char(':')?;
                        path_value(f, pattern)
                    }
                    PathTest::Number(range) => comparison(f, range.comparison(), Unit::Plain),
                }
            }
            Self::Has(part) => write!(f, "has:{}", part.name()),
            Self::FreeText(text) => free_text(f, text.pattern()),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.name())?;
        for name in &self.members {
            f.write_char('.')?;
            if !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-".contains(c))
            {
                f.write_str(name)?;
            } else {
                f.write_char('"')?;
                escaped(f, name, &['"', '\\'])?;
                f.write_char('"')?;
            }
        }
        Ok(())
    }
}

fn comparison(f: &mut Formatter<'_>, comparison: &Comparison, unit: Unit) -> fmt::Result {
    let (operator, number) = match comparison {
        Comparison::Equal(n) => (":", n),
        Comparison::Above(n) => (">", n),
        Comparison::AtLeast(n) => (">=", n),
        Comparison::Below(n) => ("<", n),
        Comparison::AtMost(n) => ("<=", n),
        Comparison::Between(low, high) => {
            f.write_char(':')?;
            quantity(f, low, unit)?;
            f.write_str("..")?;
            return quantity(f, high, unit);
        }
    };
    f.write_str(operator)?;
    quantity(f, number, unit)
}

/// A number in the unit of its field, durations in the largest unit that keeps it whole.
fn quantity(f: &mut Formatter<'_>, number: &Decimal, unit: Unit) -> fmt::Result {
    match unit {
        Unit::Plain => number.fmt(f),
        Unit::Dollars => number.times(1, -9).fmt(f),
        Unit::Duration => {
            let whole = number.floor();
            for (name, micros) in [("h", 3_600_000_000), ("m", 60_000_000)] {
                if whole.1 && whole.0 != 0 && whole.0 % micros == 0 {
                    return write!(f, "{}{name}", whole.0 / micros);
                }
            }
            let (name, shift) = match number.exponent() {
                6.. => ("s", -6),
                3..=5 => ("ms", -3),
                _ => ("us", 0),
            };
            write!(f, "{}{name}", number.times(1, shift))
        }
    }
}

/// Whether text can stand without quotes, in a value also with signs that part fields and values.
fn is_bare(pattern: &TextPattern, signs: bool) -> bool {
    let pieces = pattern.pieces();
    pieces.iter().any(|piece| !piece.is_empty())
        && pieces
            .iter()
            .flat_map(|piece| piece.chars())
            .all(|c| c.is_alphanumeric() || "_-./@+,".contains(c) || (signs && ":=".contains(c)))
}

fn value(f: &mut Formatter<'_>, pattern: &TextPattern) -> fmt::Result {
    if is_bare(pattern, true) {
        joined(f, pattern)
    } else {
        quoted(f, pattern)
    }
}

/// As a value, but what would be read as a number is quoted to stay text.
fn path_value(f: &mut Formatter<'_>, pattern: &TextPattern) -> fmt::Result {
    match pattern.as_literal() {
        Some(text) if is_numeric(text) => quoted(f, pattern),
        _ => value(f, pattern),
    }
}

fn free_text(f: &mut Formatter<'_>, pattern: &TextPattern) -> fmt::Result {
    let first = pattern.pieces().first().map_or("", String::as_str);
    let is_keyword = matches!(pattern.as_literal(), Some("AND" | "OR" | "NOT"));
    if pattern.is_any() || is_bare(pattern, false) && !first.starts_with('-') && !is_keyword {
        joined(f, pattern)
    } else {
        quoted(f, pattern)
    }
}

fn quoted(f: &mut Formatter<'_>, pattern: &TextPattern) -> fmt::Result {
    f.write_char('"')?;
    joined(f, pattern)?;
    f.write_char('"')
}

fn joined(f: &mut Formatter<'_>, pattern: &TextPattern) -> fmt::Result {
    for (index, piece) in pattern.pieces().iter().enumerate() {
        if index > 0 {
            f.write_char('*')?;
        }
        escaped(f, piece, &['"', '\\', '*'])?;
    }
    Ok(())
}

fn escaped(f: &mut Formatter<'_>, text: &str, special: &[char]) -> fmt::Result {
    for c in text.chars() {
        if special.contains(&c) {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    Ok(())
}
