use std::ops::Range;

use super::{
    Expr, Filter, FilterError, FreeText, MAX_BYTES, MAX_DEPTH, MAX_TERMS, Term, mistake,
    scan::{Operator, Scanner, in_quotes},
    term::{Target, term},
};

/// Reads a filter; nothing but white space is [`Filter::all`].
///
/// # Errors
///
/// [`FilterError`] with the bytes that are wrong and what to write instead. A filter is never read
/// in part.
pub fn parse(text: &str) -> Result<Filter, FilterError> {
    check_length(text.len(), text.len())?;
    let mut parser = Parser {
        scan: Scanner::new(text),
        terms: 0,
    };
    parser.scan.skip_space();
    if parser.scan.peek().is_none() {
        return Ok(Filter::all());
    }
    let expr = parser.or(None, 0)?;
    if parser.scan.peek().is_some() {
        let at = parser.scan.at();
        return Err(FilterError::new(at..at + 1, "no parenthesis is open here")
            .suggest("remove `)`, or put text with parentheses in quotes"));
    }
    let filter = Filter::from(expr);
    // A field before a group is printed with each of its values.
    check_length(filter.to_string().len(), text.len())?;
    Ok(filter)
}

fn check_length(bytes: usize, end: usize) -> Result<(), FilterError> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(FilterError::new(
        0..end,
        format!("the filter is too long: {bytes} bytes written out, at most {MAX_BYTES}"),
    )
    .suggest("ask in several requests"))
}

struct Parser<'a> {
    scan: Scanner<'a>,
    terms: usize,
}

impl<'a> Parser<'a> {
    /// `group` is the field whose values are read, inside `field:(...)`; `depth` counts open
    /// parentheses.
    fn or(&mut self, group: Option<&Target<'a>>, depth: usize) -> Result<Expr, FilterError> {
        let mut parts = vec![self.and(group, depth)?];
        while self.scan.eat_keyword("OR") {
            parts.push(self.and(group, depth)?);
        }
        Ok(Expr::or(parts))
    }

    fn and(&mut self, group: Option<&Target<'a>>, depth: usize) -> Result<Expr, FilterError> {
        let mut parts = vec![self.not(group, depth)?];
        loop {
            self.scan.skip_space();
            let ends = matches!(self.scan.peek(), None | Some(')'));
            if ends || self.scan.is_keyword("OR") {
                return Ok(Expr::and(parts));
            }
            self.scan.eat_keyword("AND");
            parts.push(self.not(group, depth)?);
        }
    }

    fn not(&mut self, group: Option<&Target<'a>>, depth: usize) -> Result<Expr, FilterError> {
        let mut negate = false;
        loop {
            self.scan.skip_space();
            let start = self.scan.at();
            if self.scan.eat_keyword("NOT") {
                negate = !negate;
            } else if self.scan.eat("-") {
                negate = !negate;
                if self.scan.is_at_end_of_word() || self.scan.peek() == Some('-') {
                    let word = start..self.scan.word_span().end;
                    let text = in_quotes(self.scan.slice(word.clone()));
                    return Err(
                        FilterError::new(word, "`-` negates the term directly after it")
                            .suggest(format!("put the text in quotes: {text}")),
                    );
                }
            } else {
                break;
            }
        }
        let expr = match group {
            _ if self.scan.peek() == Some('(') => self.parenthesis(group, depth)?,
            Some(target) => {
                self.expect_operand()?;
                self.value(target, Operator::Colon)?
            }
            None => self.term(depth)?,
        };
        Ok(if negate { expr.negate() } else { expr })
    }

    fn parenthesis(
        &mut self,
        group: Option<&Target<'a>>,
        depth: usize,
    ) -> Result<Expr, FilterError> {
        let start = self.scan.at();
        self.scan.bump();
        if depth >= MAX_DEPTH {
            return Err(FilterError::new(
                start..start + 1,
                format!("more than {MAX_DEPTH} parentheses are open"),
            )
            .suggest("remove parentheses that change nothing"));
        }
        let expr = self.or(group, depth + 1)?;
        if !self.scan.eat(")") {
            return Err(
                FilterError::new(start..self.scan.at(), "the parenthesis is never closed")
                    .suggest("add `)` at the end"),
            );
        }
        if !self.scan.is_at_end_of_word() {
            let at = self.scan.at();
            return Err(FilterError::new(
                at..self.scan.word_span().end,
                "something follows the closing parenthesis directly",
            )
            .suggest("put a space after `)`, or put the text in quotes"));
        }
        Ok(expr)
    }

    fn term(&mut self, depth: usize) -> Result<Expr, FilterError> {
        self.expect_operand()?;
        if self.scan.peek() == Some('"') {
            return self.free_text();
        }
        if let Some(error) = mistake::find(&self.scan) {
            return Err(error);
        }
        let word = self.scan.slice(self.scan.word_span());
        let Some((name, operator)) = self.scan.name() else {
            return self.free_text();
        };
        let target = Target::new(self.scan.slice(name.clone()), name, word)?;
        if self.scan.peek() == Some('(') && operator == Operator::Colon {
            return self.parenthesis(Some(&target), depth);
        }
        self.value(&target, operator)
    }

    fn value(&mut self, target: &Target<'a>, operator: Operator) -> Result<Expr, FilterError> {
        let start = self.scan.at();
        if self.scan.is_at_end_of_word() {
            let written = format!("{}{}", target.name, operator.as_str());
            let message = format!("no value directly after `{written}`");
            let span = target.span.start..start;
            let value = mistake::value(&mut self.scan.clone());
            let term = value.map(|value| format!("{written}{}", self.scan.slice(value)));
            return Err(FilterError::new(span, message).suggest(
                match term.filter(|term| parse(term).is_ok()) {
                    Some(term) => format!("write `{term}`, without a space; {}", target.any()),
                    None => target.example(operator),
                },
            ));
        }
        let value = self.scan.value()?;
        self.count_term(&value.span)?;
        term(target, operator, &value)
    }

    fn free_text(&mut self) -> Result<Expr, FilterError> {
        let text = self.scan.value()?;
        self.count_term(&text.span)?;
        if text.pattern.as_literal() == Some("") {
            return Err(FilterError::new(text.span, "empty text is in every record")
                .suggest("remove the empty quotes"));
        }
        Ok(Expr::Term(Term::FreeText(FreeText::new(text.pattern))))
    }

    fn count_term(&mut self, span: &Range<usize>) -> Result<(), FilterError> {
        self.terms += 1;
        if self.terms <= MAX_TERMS {
            return Ok(());
        }
        let message = format!("the filter has more than {MAX_TERMS} terms");
        Err(FilterError::new(span.clone(), message).suggest("ask in several requests"))
    }

    fn expect_operand(&self) -> Result<(), FilterError> {
        let at = self.scan.at();
        if self.scan.is_at_end_of_word() {
            let end = self.scan.peek().map_or(at, |c| at + c.len_utf8());
            return Err(FilterError::new(at..end, "a term is missing here")
                .suggest("put parentheses, `OR`, `AND` and `NOT` in quotes to search for them"));
        }
        for keyword in ["OR", "AND"] {
            if self.scan.is_keyword(keyword) {
                let span = at..at + keyword.len();
                return Err(FilterError::new(
                    span,
                    format!("a term is missing before `{keyword}`"),
                )
                .suggest(format!("write `\"{keyword}\"` to search for the word")));
            }
        }
        Ok(())
    }
}
