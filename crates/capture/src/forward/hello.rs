//! What the first bytes of a client say: whether it is TLS, and for whom.

use rustls::server::{Acceptor, ClientHello};

/// Longest beginning that is looked at, bytes: a hello with everything in it has two or three thousand.
pub(super) const MAX_BYTES: usize = 16 << 10;
/// Names and protocols of a hello that are kept, and the bytes of each.
const MAX_PROTOCOLS: usize = 8;
const MAX_PROTOCOL_BYTES: usize = 32;
/// First byte of a TLS connection: a handshake record.
pub(super) const HANDSHAKE: u8 = 0x16;

/// What a client says of itself before anything is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The server that it wants.
    pub sni: Option<String>,
    /// Protocols that it speaks.
    pub alpn: Vec<String>,
}

/// Reads a client's first bytes as they come.
#[derive(Default)]
pub struct HelloReader {
    acceptor: Acceptor,
    bytes: usize,
    found: Option<Hello>,
    is_over: bool,
}

impl Hello {
    pub(super) fn of(hello: &ClientHello<'_>) -> Self {
        let text = |protocol: &[u8]| {
            let protocol = protocol.get(..MAX_PROTOCOL_BYTES).unwrap_or(protocol);
            String::from_utf8_lossy(protocol).into_owned()
        };
        Self {
            sni: hello.server_name().map(ToOwned::to_owned),
            alpn: hello
                .alpn()
                .into_iter()
                .flatten()
                .take(MAX_PROTOCOLS)
                .map(text)
                .collect(),
        }
    }
}

impl HelloReader {
    /// Takes the next bytes. Says whether more may tell more.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        if self.bytes == 0 && bytes.first().is_some_and(|first| *first != HANDSHAKE) {
            self.is_over = true;
        }
        self.bytes += bytes.len();
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_over {
            let is_read = self.acceptor.read_tls(&mut rest).is_ok();
            match self.acceptor.accept() {
                Ok(None) if is_read && self.bytes <= MAX_BYTES => {}
                Ok(Some(accepted)) => {
                    self.found = Some(Hello::of(&accepted.client_hello()));
                    self.is_over = true;
                }
                Ok(None) | Err(_) => self.is_over = true,
            }
        }
        !self.is_over
    }

    /// What was found, if it is a hello.
    #[must_use]
    pub fn finish(self) -> Option<Hello> {
        self.found
    }
}

impl std::fmt::Debug for HelloReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HelloReader")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    fn hello(name: &str, alpn: &[&str]) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = alpn
            .iter()
            .map(|protocol| protocol.as_bytes().to_vec())
            .collect();
        let name = name.to_owned().try_into().unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        connection.write_tls(&mut bytes).unwrap();
        bytes
    }

    fn read(bytes: &[u8], piece: usize) -> Option<Hello> {
        let mut reader = HelloReader::default();
        for piece in bytes.chunks(piece) {
            if !reader.push(piece) {
                break;
            }
        }
        reader.finish()
    }

    #[test]
    fn name_and_protocols_are_found() {
        let bytes = hello("api.example.org", &["h2", "http/1.1"]);
        let found = read(&bytes, bytes.len()).unwrap();
        assert_eq!(found.sni.as_deref(), Some("api.example.org"));
        assert_eq!(found.alpn, ["h2", "http/1.1"]);
        assert_eq!(read(&hello("127.0.0.1", &[]), 1), Some(Hello::default()));
        assert_eq!(read(b"SSH-2.0-OpenSSH_9\r\n", 4), None);
        assert_eq!(read(&[0x16, 3, 1, 0, 4, 1, 1, 1, 1], 2), None);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same(piece in 1_usize..600, more in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = hello("a.example", &["h2"]);
            bytes.extend(more);
            let found = read(&bytes, piece).unwrap();
            prop_assert_eq!(found.sni.as_deref(), Some("a.example"));
        }

        #[test]
        fn damage_is_not_fatal(at in 0_usize..300, byte in any::<u8>(), piece in 1_usize..300) {
            let mut bytes = hello("a.example", &["h2"]);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes, piece);
        }
    }
}
