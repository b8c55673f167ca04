/// The open arrays and objects, one bit each, so that no input can exhaust the stack.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    /// The innermost ones, the last opened in the lowest bit: 1 for an object.
    innermost: u128,
    /// Full words below.
    outer: Vec<u128>,
    depth: usize,
}

const WORD: usize = 128;

impl Nesting {
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn open(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.outer.push(self.innermost);
        }
        self.innermost = (self.innermost << 1) | u128::from(object);
        self.depth += 1;
    }

    pub(super) fn close(&mut self) {
        self.depth -= 1;
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.innermost = self.outer.pop().unwrap_or_default();
        } else {
            self.innermost >>= 1;
        }
    }

    pub(super) fn in_object(&self) -> bool {
        self.innermost & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_across_words() {
        let is_object = |level: usize| level.is_multiple_of(3) || level.is_multiple_of(7);
        let mut nesting = Nesting::default();
        for level in 0..3 * WORD + 5 {
            nesting.open(is_object(level));
        }
        for level in (0..3 * WORD + 5).rev() {
            assert_eq!(nesting.depth(), level + 1);
            assert_eq!(nesting.in_object(), is_object(level), "level {level}");
            nesting.close();
        }
        assert_eq!(nesting.depth(), 0);
    }
}
