//! Bytes that agents and their hosts send through a gateway.

use capture::{
    forward::{HelloReader, takes_connect},
    websocket_messages,
};

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

/// One direction of a `WebSocket`: its messages do not depend on how its bytes come, and are no longer than these.
pub fn websocket(data: &[u8]) {
    let whole = websocket_messages([data]);
    for step in [1, 3, 100] {
        assert_eq!(websocket_messages(data.chunks(step)), whole, "step {step}");
    }
    let bytes: usize = whole.0.iter().map(|(_, message)| message.len()).sum();
    assert!(bytes + 2 * whole.0.len() <= data.len());
}
