//! Random filters and events, small enough that they meet.

use proptest::{collection::vec, prelude::*, sample::select};

use super::model::{Event, Json};
use crate::filter::{
    Comparison, Decimal, Expr, Field, FreeText, NumberField, NumberRange, Part, Path, PathRoot,
    PathTest, Term, TextField, TextPattern,
};

const NAMES: [&str; 6] = ["a", "b", "a.b", "K-1", "é \"\\*", ""];

/// Text of few letters, so that it is often equal; with signs that need care.
pub(super) fn text() -> impl Strategy<Value = String> {
    let letters = "aAbBkK\u{212a}i\u{130}\u{e9}\u{c9}17-. *\"\\/:(\u{2603}";
    let few = vec(select(letters.chars().collect::<Vec<_>>()), 0..6)
        .prop_map(|letters| letters.into_iter().collect());
    let terms = ["status=1", "actor!=a", "=", "job"].map(ToOwned::to_owned);
    prop_oneof![12 => few, 1 => select(terms.to_vec())]
}

pub(super) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (-30i32..30).prop_map(|n| n.to_string()),
        (-30i32..30, 0u32..100).prop_map(|(n, fraction)| format!("{n}.{fraction:02}")),
        (-30i32..30, -3i32..3).prop_map(|(n, exponent)| format!("{n}e{exponent}")),
        (0i32..9, 0i32..3).prop_map(|(n, exponent)| format!("-{n}.50E+{exponent}")),
    ]
}

fn decimal() -> impl Strategy<Value = Decimal> {
    number().prop_map(|text| Decimal::parse(&text).unwrap())
}

fn range() -> impl Strategy<Value = NumberRange> {
    let one = decimal().prop_flat_map(|n| {
        select(vec![
            Comparison::Equal(n.clone()),
            Comparison::Above(n.clone()),
            Comparison::AtLeast(n.clone()),
            Comparison::Below(n.clone()),
            Comparison::AtMost(n),
        ])
    });
    let two = (decimal(), decimal()).prop_map(|(a, b)| {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Comparison::Between(low, high)
    });
    prop_oneof![one, two].prop_map(NumberRange::new)
}

fn pattern() -> impl Strategy<Value = TextPattern> {
    vec(text(), 1..4).prop_map(TextPattern::from_pieces)
}

fn path() -> impl Strategy<Value = Path> {
    (select(&PathRoot::ALL[..]), vec(select(&NAMES[..]), 0..3)).prop_map(|(root, members)| Path {
        root,
        members: members.into_iter().map(str::to_owned).collect(),
    })
}

fn path_test() -> impl Strategy<Value = PathTest> {
    prop_oneof![
        Just(PathTest::Present),
        range().prop_map(PathTest::Number),
        prop_oneof![pattern(), number().prop_map(TextPattern::literal)]
            .prop_filter("is presence", |pattern| !pattern.is_any())
            .prop_map(PathTest::Text),
    ]
}

fn term() -> impl Strategy<Value = Term> {
    let fields: Vec<Field> = Field::all().collect();
    prop_oneof![
        (select(&TextField::ALL[..]), pattern()).prop_map(|(field, text)| Term::text(field, text)),
        (select(&NumberField::ALL[..]), range())
            .prop_map(|(field, range)| Term::Number(field, range)),
        select(fields).prop_map(Term::Present),
        (path(), path_test()).prop_map(|(path, test)| Term::Path(path, test)),
        select(&Part::ALL[..]).prop_map(Term::Has),
        prop_oneof![
            pattern(),
            select(vec!["OR", "AND", "NOT"]).prop_map(TextPattern::literal)
        ]
        .prop_filter("empty text", |pattern| pattern.as_literal() != Some(""))
        .prop_map(|pattern| Term::FreeText(FreeText::new(pattern))),
    ]
}

pub(super) fn expr() -> impl Strategy<Value = Expr> {
    term()
        .prop_map(Expr::Term)
        .prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                vec(inner.clone(), 1..4).prop_map(Expr::and),
                vec(inner.clone(), 1..4).prop_map(Expr::or),
                inner.prop_map(Expr::negate),
            ]
        })
}

/// Any JSON value, with escapes here and there and doubled names.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Word("null")),
        Just(Json::Word("true")),
        number().prop_map(Json::Number),
        (text(), any::<u8>()).prop_map(|(text, escapes)| Json::String(text, escapes)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Json::Array),
            vec((select(&NAMES[..]), inner), 0..4).prop_map(|members| {
                let named = members.into_iter();
                Json::Object(
                    named
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn object() -> impl Strategy<Value = Json> {
    vec((select(&NAMES[..]), json()), 0..4).prop_map(|members| {
        let named = members.into_iter();
        Json::Object(
            named
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    })
}

fn string() -> impl Strategy<Value = Json> {
    (text(), any::<u8>()).prop_map(|(text, escapes)| Json::String(text, escapes))
}

/// Members that every record has are never empty.
fn filled() -> impl Strategy<Value = Json> {
    text().prop_map(|text| Json::String(format!("a{text}"), 0))
}

fn integer() -> impl Strategy<Value = Json> {
    (-40i64..40).prop_map(|n| Json::Number(n.to_string()))
}

/// An object of some of these members.
fn some(
    required: &[(&'static str, BoxedStrategy<Json>)],
    optional: &[(&'static str, BoxedStrategy<Json>)],
) -> BoxedStrategy<Json> {
    let required = required.iter().map(|(name, value)| {
        let value = value.clone().prop_map(Some).boxed();
        (*name, value)
    });
    let optional = optional
        .iter()
        .map(|(name, value)| (*name, prop::option::of(value.clone()).boxed()));
    let (names, values): (Vec<_>, Vec<_>) = required.chain(optional).unzip();
    values
        .prop_map(move |values| {
            let members = names.iter().zip(values);
            Json::Object(
                members
                    .filter_map(|(name, value)| Some(((*name).to_owned(), value?)))
                    .collect(),
            )
        })
        .boxed()
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let s = || string().boxed();
    let f = || filled().boxed();
    let n = || integer().boxed();
    let fixed = |text: &'static str| Just(Json::Word(text)).boxed();
    let named = || some(&[], &[("type", s()), ("id", s()), ("name", s())]);
    let actor = some(
        &[("type", f()), ("id", f())],
        &[
            ("name", s()),
            ("role", s()),
            ("ip", s()),
            ("auth", fixed("\"key\"")),
        ],
    );
    let usage = some(
        &[],
        &[
            ("provider", s()),
            ("model", s()),
            ("input_tokens", n()),
            ("output_tokens", n()),
            ("cache_read_tokens", n()),
            ("cache_write_tokens", n()),
            ("reasoning_tokens", n()),
            ("cost_nanousd", n()),
        ],
    );
    let approval = some(
        &[],
        &[
            ("decision", s()),
            ("approver", s()),
            ("rule", s()),
            ("reason", s()),
            ("waited_us", n()),
        ],
    );
    let producer = some(
        &[],
        &[("id", s()), ("seq", n()), ("phase", s()), ("call", s())],
    );
    let via = some(&[("key", s()), ("ip", s())], &[]);
    let about_content = some(&[("bytes", n()), ("type", s())], &[("whole", s())]);
    let record = some(
        &[
            ("v", fixed("1")),
            ("id", f()),
            ("seq", fixed("7")),
            ("recorded_at", fixed("\"2026-01-02T03:04:05.000006Z\"")),
            ("time", fixed("\"2026-01-02T03:04:05Z\"")),
            ("actor", actor),
            ("source", f()),
            ("action", f()),
        ],
        &[
            ("duration_us", n()),
            ("project", s()),
            ("job", s()),
            ("trace", s()),
            ("span", s()),
            ("parent", s()),
            ("initiator", named()),
            ("resource", named()),
            ("result", s()),
            ("status", n()),
            ("approval", approval),
            ("usage", usage),
            ("producer", producer),
            ("via", via),
            ("description", s()),
            ("meta", object().boxed()),
            ("content", about_content),
        ],
    );
    let content = some(
        &[],
        &[
            ("input", json().boxed()),
            ("output", json().boxed()),
            ("stdout", json().boxed()),
        ],
    );
    (record, prop::option::of(content)).prop_map(|(record, content)| Event { record, content })
}
