use std::ops::Range;

use super::{
    Comparison, Decimal, Expr, Field, FilterError, NumberField, NumberRange, Part, Path, PathTest,
    Term, TextField, Unit,
    decimal::DecimalError,
    scan::{Operator, Scanned},
    suggest,
};

/// What stands before an operator.
pub(super) struct Target<'a> {
    /// As written.
    pub(super) name: &'a str,
    pub(super) span: Range<usize>,
    kind: TargetKind,
}

enum TargetKind {
    Field(Field),
    Path(Path),
    Has,
    Is,
}

impl<'a> Target<'a> {
    /// `word` is the whole word that the name begins.
    pub(super) fn new(name: &'a str, span: Range<usize>, word: &str) -> Result<Self, FilterError> {
        let kind = if let Some(field) = Field::from_name(name) {
            TargetKind::Field(field)
        } else if let Some(path) = Path::parse(name, span.start) {
            TargetKind::Path(path?)
        } else if name.eq_ignore_ascii_case("has") {
            TargetKind::Has
        } else if name.eq_ignore_ascii_case("is") {
            TargetKind::Is
        } else {
            return Err(suggest::unknown_field(name, span, word));
        };
        Ok(Self { name, span, kind })
    }

    /// How to ask for any value.
    pub(super) fn any(&self) -> String {
        let name = self.name;
        match self.kind {
            TargetKind::Field(_) | TargetKind::Path(_) => format!("`{name}:*` asks for any value"),
            TargetKind::Has => PARTS.to_owned(),
            TargetKind::Is => UNAPPROVED.to_owned(),
        }
    }

    /// How a value is written behind this operator.
    pub(super) fn example(&self, operator: Operator) -> String {
        let (name, any) = (self.name, self.any());
        let empty = format!("`{name}:\"\"` for empty text");
        match self.kind {
            TargetKind::Field(Field::Number(field)) => {
                format!("{}; {any}", suggest::example(name, field.unit()))
            }
            TargetKind::Path(_) if operator != Operator::Colon => {
                format!("{}; {any}", suggest::example(name, Unit::Plain))
            }
            TargetKind::Field(_) | TargetKind::Path(_) => {
                format!("write `{name}:` and the value without a space before it, {empty}; {any}")
            }
            TargetKind::Has | TargetKind::Is => any,
        }
    }
}

const PARTS: &str = "write `has:content`, `has:input`, `has:output`, `has:usage` or `has:approval`; for a field, `field:*`";
const UNAPPROVED: &str = "write `is:unapproved`";

/// The term of a field, an operator and a value.
pub(super) fn term(
    target: &Target<'_>,
    operator: Operator,
    value: &Scanned<'_>,
) -> Result<Expr, FilterError> {
    Ok(Expr::Term(match &target.kind {
        TargetKind::Field(Field::Text(field)) => text(*field, target, operator, value)?,
        TargetKind::Field(Field::Number(field)) => number(*field, target, operator, value)?,
        TargetKind::Path(path) => Term::Path(path.clone(), path_test(target, operator, value)?),
        TargetKind::Has => Term::Has(part(operator, value)?),
        TargetKind::Is => {
            if operator == Operator::Colon && value.raw == "unapproved" {
                return Ok(Expr::Term(Term::Has(Part::Approval)).negate());
            }
            return Err(
                FilterError::new(value.span.clone(), "`is:` takes only `unapproved`")
                    .suggest(UNAPPROVED),
            );
        }
    }))
}

fn text(
    field: TextField,
    target: &Target<'_>,
    operator: Operator,
    value: &Scanned<'_>,
) -> Result<Term, FilterError> {
    if operator == Operator::Colon {
        return Ok(Term::text(field, value.pattern.clone()));
    }
    let name = field.name();
    Err(FilterError::new(
        target.span.start..value.span.end,
        format!("`{name}` is text, `{}` compares numbers", operator.as_str()),
    )
    .suggest(format!("write `{name}:{}`", value.raw)))
}

fn number(
    field: NumberField,
    target: &Target<'_>,
    operator: Operator,
    value: &Scanned<'_>,
) -> Result<Term, FilterError> {
    if operator == Operator::Colon && value.pattern.is_any() {
        return Ok(Term::Present(Field::Number(field)));
    }
    let range = range(target.name, field.unit(), operator, value)?;
    Ok(Term::Number(field, range))
}

fn path_test(
    target: &Target<'_>,
    operator: Operator,
    value: &Scanned<'_>,
) -> Result<PathTest, FilterError> {
    let is_number = operator != Operator::Colon || (!value.is_quoted && is_numeric(value.raw));
    Ok(if is_number {
        PathTest::Number(range(target.name, Unit::Plain, operator, value)?)
    } else if value.pattern.is_any() {
        PathTest::Present
    } else {
        PathTest::Text(value.pattern.clone())
    })
}

fn part(operator: Operator, value: &Scanned<'_>) -> Result<Part, FilterError> {
    let part = Part::ALL.into_iter().find(|part| part.name() == value.raw);
    part.filter(|_| operator == Operator::Colon).ok_or_else(|| {
        FilterError::new(
            value.span.clone(),
            format!("`has:{}` is unknown", value.raw),
        )
        .suggest(PARTS)
    })
}

/// Whether a bare value is a number or a range of numbers.
pub(super) fn is_numeric(text: &str) -> bool {
    let is_number = |text: &str| Decimal::parse(text) != Err(DecimalError::NotANumber);
    match text.split_once("..") {
        Some((low, high)) => is_number(low) && is_number(high),
        None => is_number(text),
    }
}

fn range(
    name: &str,
    unit: Unit,
    operator: Operator,
    value: &Scanned<'_>,
) -> Result<NumberRange, FilterError> {
    let one = || quantity(name, unit, operator, value, value.raw);
    Ok(NumberRange::new(match operator {
        Operator::Above => Comparison::Above(one()?),
        Operator::AtLeast => Comparison::AtLeast(one()?),
        Operator::Below => Comparison::Below(one()?),
        Operator::AtMost => Comparison::AtMost(one()?),
        Operator::Colon => match value.raw.split_once("..") {
            None => Comparison::Equal(one()?),
            Some((low, high)) => between(name, unit, value, low, high)?,
        },
    }))
}

fn between(
    name: &str,
    unit: Unit,
    value: &Scanned<'_>,
    low: &str,
    high: &str,
) -> Result<Comparison, FilterError> {
    let fail = |message: &str, suggestion: String| {
        FilterError::new(value.span.clone(), message).suggest(suggestion)
    };
    match (low, high) {
        ("", "") => return Err(fail("a range without ends", format!("write `{name}:*`"))),
        (low, "") => {
            return Err(fail(
                "a range without an end",
                format!("write `{name}>={low}`"),
            ));
        }
        ("", high) => {
            return Err(fail(
                "a range without a start",
                format!("write `{name}<={high}`"),
            ));
        }
        _ => {}
    }
    let from = quantity(name, unit, Operator::Colon, value, low)?;
    let to = quantity(name, unit, Operator::Colon, value, high)?;
    if from > to {
        return Err(fail(
            "the range ends before it starts",
            format!("write `{name}:{high}..{low}`"),
        ));
    }
    Ok(Comparison::Between(from, to))
}

/// One number of a value, in the stored unit.
fn quantity(
    name: &str,
    unit: Unit,
    operator: Operator,
    value: &Scanned<'_>,
    text: &str,
) -> Result<Decimal, FilterError> {
    let number = match unit {
        Unit::Plain => Decimal::parse(text),
        Unit::Dollars => Decimal::parse(text).map(|dollars| dollars.times(1, 9)),
        Unit::Duration => duration(text),
    };
    number.map_err(|error| match error {
        DecimalError::TooLarge => {
            FilterError::new(value.span.clone(), "the number's exponent is too large")
                .suggest("use an exponent between -1000000 and 1000000")
        }
        DecimalError::NotANumber => {
            let suggestion = suggest::number(name, unit, operator, value, text);
            let expected = if unit == Unit::Duration {
                "a number with a unit"
            } else {
                "a number"
            };
            FilterError::new(value.span.clone(), format!("`{name}` takes {expected}"))
                .suggest(suggestion)
        }
    })
}

/// Microseconds of a number with a unit.
fn duration(text: &str) -> Result<Decimal, DecimalError> {
    // The longer units first: `us` and `ms` end in `s`.
    for (unit, factor, exponent) in [
        ("us", 1, 0),
        ("ms", 1, 3),
        ("s", 1, 6),
        ("m", 6, 7),
        ("h", 36, 8),
    ] {
        if let Some(number) = text.strip_suffix(unit) {
            return Decimal::parse(number).map(|number| number.times(factor, exponent));
        }
    }
    Err(DecimalError::NotANumber)
}
