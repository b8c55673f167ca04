//! What stands for a rule's name in the mark of a secret that is known by its value.

/// Makes the constants and the list of them, so that none can be left out of it.
macro_rules! labels {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $label;)+
        /// Every one of them.
        pub(super) const ALL: &[&str] = &[$($label),+];
    };
}

labels! {
    /// A token by which an agent is known to the gateway.
    AGENT_TOKEN = "agent-token";
    /// What the arguments of a command give away.
    ARGUMENT = "argument";
    /// The key that a client sent.
    CLIENT_KEY = "client-key";
    /// A variable of a command's environment.
    ENVIRONMENT = "environment";
    /// The key that lets us write to the trail or read it.
    INDELIBLE_KEY = "indelible-key";
    /// A key that the gateway puts in.
    INJECTED_KEY = "injected-key";
    /// The id of an MCP session.
    MCP_SESSION = "mcp-session";
    /// What else is secret in a request.
    REQUEST_SECRET = "request-secret";
}
