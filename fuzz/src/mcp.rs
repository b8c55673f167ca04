//! Messages of the Model Context Protocol.

use std::sync::LazyLock;

use capture::{mcp::look, redact::Redactor};
use serde_json::Value;

/// Longest method that is kept whole, bytes as written.
const METHOD_BYTES: usize = 4_000;

/// Made once: its rules take a while.
static REDACTOR: LazyLock<Redactor> =
    LazyLock::new(|| Redactor::new(None, &[], &[0; 32]).expect("the built-in rules"));

/// However a text is cut into pieces, the same is read; and an object is read as everybody else reads it.
pub fn mcp(data: &[u8]) {
    let whole = look([data], &REDACTOR);
    for step in [1, 3, 7] {
        assert_eq!(look(data.chunks(step), &REDACTOR), whole, "step {step}");
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(data) else {
        return;
    };
    let [one] = whole.as_slice() else {
        panic!("one object is one message: {whole:?}");
    };
    assert!(one.is_object);
    let method = members.get("method").and_then(Value::as_str);
    if data.len() < METHOD_BYTES {
        assert_eq!(one.method.as_deref(), method);
    }
}
