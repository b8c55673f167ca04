//! Bytes that agents and their hosts send through a gateway.

use capture::forward::{HelloReader, takes_connect};

/// The first bytes of a tunnel: what is read of them does not depend on how they come, and more bytes change nothing.
pub fn client_hello(data: &[u8]) {
    let read = |piece: usize| {
        let mut reader = HelloReader::default();
        for piece in data.chunks(piece) {
            if !reader.push(piece) {
                break;
            }
        }
        reader.finish()
    };
    let whole = read(data.len().max(1));
    for piece in [1, 7, 1_000] {
        let found = read(piece);
        assert!(found == whole || data.len() > 16 << 10);
    }
    if let Some(name) = whole.and_then(|hello| hello.sni) {
        assert!(!name.is_empty() && name.len() < 256);
    }
}

/// The first frame of a host of HTTP/2: once it is known what it says, more bytes change nothing.
pub fn first_settings(data: &[u8]) {
    let known = takes_connect(data);
    for end in 0..data.len().min(64) {
        if let Some(early) = takes_connect(&data[..end]) {
            assert_eq!(known, Some(early));
        }
    }
}
