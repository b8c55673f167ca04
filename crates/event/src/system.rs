/// An event of the server itself, source `system`.
#[derive(Clone, Debug)]
pub struct SystemEvent<'a> {
    /// For example `trail.created`.
    pub action: &'a str,
    /// Who caused it: a public key id; the server itself if `None`.
    pub actor: Option<&'a str>,
    /// `meta` as JSON text of an object.
    pub meta: Option<&'a str>,
}

impl SystemEvent<'_> {
    /// The event as JSON, for [`prepare`](crate::prepare) with a
    /// [`Submitter`](crate::Submitter) that has `system` set.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        todo!()
    }
}
