//! JSON values for the properties: a tree, written with random white space, and without.

use proptest::prelude::*;

/// A value; leaves hold their exact text.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Token(String),
    Array(Vec<Shape>),
    Object(Vec<(String, Shape)>),
}

impl Shape {
    /// Writes the value; `space` is called wherever white space may stand.
    pub(crate) fn write(&self, out: &mut String, space: &mut impl FnMut(&mut String)) {
        match self {
            Self::Token(text) => out.push_str(text),
            Self::Array(elements) => {
                out.push('[');
                space(out);
                for (place, element) in elements.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                        space(out);
                    }
                    element.write(out, space);
                    space(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                space(out);
                for (place, (name, value)) in members.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                        space(out);
                    }
                    out.push_str(name);
                    space(out);
                    out.push(':');
                    space(out);
                    value.write(out, space);
                    space(out);
                }
                out.push('}');
            }
        }
    }

    pub(crate) fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, &mut |_| {});
        out
    }
}

pub(crate) fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -!#-\\[\\]-~]{1,12}",
        "[à-ÿ🔒{}\\[\\],:]{1,3}",
        "\\\\[\"\\\\/bfnrt]",
        "\\\\u[0-9a-fA-F]{4}",
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let token = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,5})?",
        string(),
    ];
    token
        .prop_map(Shape::Token)
        .prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Shape::Array),
                prop::collection::vec((string(), inner), 0..6).prop_map(Shape::Object),
            ]
        })
}
