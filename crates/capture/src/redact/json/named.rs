//! What is known of a value before it comes: by its member's name, by the member beside it, by the option before it.

use super::JsonStream;
use crate::redact::names::{Named, is_named_beside, is_naming, told, told_by_option, told_of};

/// Open arrays and objects that are followed; what is deeper counts as an array.
const MAX_DEPTH: usize = 128;

/// An open container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    is_object: bool,
    /// What was said of the value of an object that its `name` names, or of the next element of an array.
    said: Named,
}

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Name,
    Value,
    /// The same, and its name makes it a secret if it is so long and looks like one.
    Likely {
        min_bytes: usize,
    },
    /// The value of a member that is secret by its name.
    Secret,
}

impl JsonStream {
    pub(super) fn role(&self) -> Role {
        if self.expects_name {
            return Role::Name;
        }
        match self.told() {
            Named::Plain => Role::Value,
            Named::Likely(min_bytes) => Role::Likely { min_bytes },
            Named::Secret => Role::Secret,
        }
    }

    /// What is known of the value that comes now.
    pub(super) fn told(&self) -> Named {
        match self.open.last() {
            Some(open) if self.deeper == 0 => match open.is_object {
                true if is_named_beside(&self.name) => open.said,
                true => told(&self.name),
                false => open.said,
            },
            _ => Named::Plain,
        }
    }

    /// What a value says of another one; nothing if it is none that names.
    pub(super) fn said_by(&self, text: &[u8]) -> Option<Named> {
        if !self.in_object() {
            Some(told_by_option(text))
        } else if is_naming(&self.name) {
            Some(told_of(text))
        } else {
            None
        }
    }

    pub(super) fn hear(&mut self, said: Option<Named>) {
        let open = self.open.last_mut().filter(|_| self.deeper == 0);
        if let (Some(open), Some(said)) = (open, said) {
            open.said = said;
        }
    }

    pub(super) fn in_object(&self) -> bool {
        self.deeper == 0 && self.open.last().is_some_and(|open| open.is_object)
    }

    pub(super) fn enter(&mut self, is_object: bool) {
        self.hear(self.said_by(b""));
        if self.open.len() < MAX_DEPTH {
            self.open.push(Open {
                is_object,
                said: Named::Plain,
            });
            self.expects_name = is_object;
        } else {
            self.deeper += 1;
            self.expects_name = false;
        }
    }

    pub(super) fn leave(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.open.pop();
            self.is_within &= self.open.len() > 1;
        }
        self.expects_name = false;
    }
}
