//! Events of many shapes, the same ones for the same seed.

use std::fmt::Write as _;

const SOURCES: [&str; 6] = ["mcp", "shell", "llm", "kubernetes", "app", "aws"];
const RESULTS: [&str; 3] = ["success", "failure", "error"];
/// Values whose text a careless writer changes: digits, escapes, white space, more than UTF-16 holds.
const VALUES: [&str; 8] = [
    r#""ls -la \u002ftmp""#,
    "9007199254740993",
    "1.0",
    "-0e-7",
    r#""caf\u00e9 \/ é 🔒""#,
    r#""\ud800 alone""#,
    "{ \"deep\" : [ 1 , 2.50 , { \"b\" : null, \"a\" : true } ] }",
    "null",
];

/// Writes one event after the other.
pub(super) struct Generator {
    state: u64,
    count: u64,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            count: 0,
        }
    }

    /// Appends the next event and a line feed.
    pub(super) fn append(&mut self, out: &mut String) {
        let n = self.count;
        self.count += 1;
        let source = self.pick(&SOURCES);
        let _ = write!(
            out,
            r#"{{"actor":{{"id":"agent-{}"}},"action":"{source}/call","source":"{source}","job":"job-{}","#,
            self.below(50),
            n / 100
        );
        if self.below(2) == 0 {
            let _ = write!(out, r#""id":"event-{n}","#);
        }
        if self.below(3) > 0 {
            let _ = write!(
                out,
                r#""result":"{}","status":{},"#,
                self.pick(&RESULTS),
                self.below(600)
            );
        }
        if source == "llm" {
            let (input, output) = (self.below(100_000), self.below(4_000));
            let _ = write!(
                out,
                r#""usage":{{"provider":"p","model":"m","input_tokens":{input},"output_tokens":{output}}},"#
            );
        }
        if self.below(4) > 0 {
            let (input, output) = (self.pick(&VALUES), self.pick(&VALUES));
            let _ = write!(
                out,
                r#""input":{input},"content":{{"output": {output} , "n":{n}}},"#
            );
        }
        let _ = writeln!(
            out,
            r#""meta":{{ "n" : {n}, "value": {} }}}}"#,
            self.pick(&VALUES)
        );
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(index).copied().unwrap_or_default()
    }

    /// A number below `bound`, by Knuth's linear congruential generator: the spread matters, not
    /// the quality.
    fn below(&mut self, bound: u64) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % bound
    }
}
