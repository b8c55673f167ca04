use crate::json::write_string;

/// An event of the server itself, source `system` (`format.md` §1 and §3).
#[derive(Clone, Copy, Debug)]
pub struct SystemEvent<'a> {
    /// For example `trail.created`.
    pub action: &'a str,
    /// `actor.type`; `system` by default.
    pub actor_type: &'a str,
    /// `actor.id`, for example the public id of a key; `server` by default.
    pub actor_id: &'a str,
    /// `actor.name`, for example of the person or program that the key was made for.
    pub actor_name: Option<&'a str>,
    /// `resource.type` and `resource.id`.
    pub resource: Option<(&'a str, &'a str)>,
    /// `result`; `success` by default.
    pub result: &'a str,
    /// `description`.
    pub description: Option<&'a str>,
    /// `meta`: JSON text of an object.
    pub meta: Option<&'a str>,
}

impl<'a> SystemEvent<'a> {
    /// An action of the server that succeeded.
    #[must_use]
    pub fn new(action: &'a str) -> Self {
        Self {
            action,
            actor_type: "system",
            actor_id: "server",
            actor_name: None,
            resource: None,
            result: "success",
            description: None,
            meta: None,
        }
    }

    /// The event as JSON, for [`prepare`](crate::prepare()) with a
    /// [`Submitter`](crate::Submitter) that has `system` set.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut member = |before: &str, text: &str| {
            out.extend_from_slice(before.as_bytes());
            write_string(&mut out, text);
        };
        member(r#"{"actor":{"type":"#, self.actor_type);
        member(r#","id":"#, self.actor_id);
        if let Some(name) = self.actor_name {
            member(r#","name":"#, name);
        }
        member(r#"},"source":"#, "system");
        member(r#","action":"#, self.action);
        if let Some((kind, id)) = self.resource {
            member(r#","resource":{"type":"#, kind);
            member(r#","id":"#, id);
        }
        member(
            if self.resource.is_some() {
                r#"},"result":"#
            } else {
                r#","result":"#
            },
            self.result,
        );
        if let Some(description) = self.description {
            member(r#","description":"#, description);
        }
        if let Some(meta) = self.meta {
            out.extend_from_slice(br#","meta":"#);
            out.extend_from_slice(meta.as_bytes());
        }
        out.push(b'}');
        out
    }
}
