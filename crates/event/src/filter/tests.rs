//! Tests of the language as a whole, sentence by sentence and against a naive matcher.

mod generate;
mod meaning;
mod model;
mod printing;
mod properties;
mod refusals;
