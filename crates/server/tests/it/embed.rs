//! What pages of others load.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::{client::Call, running::Running};

#[test]
fn the_card_is_one_script_for_every_page() {
    let (_dir, node) = Running::fresh();
    let plain = node.send(&Call::get("/embed/proof.js"));
    assert_eq!(plain.status, 200);
    assert_eq!(
        plain.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(plain.header("access-control-allow-origin"), Some("*"));
    assert!(plain.text().contains("indelible-proof"));
    let packed = node.send(&Call::get("/embed/proof.js").header("accept-encoding", "br, gzip"));
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(packed.body.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, plain.text());
    let etag = plain.header("etag").unwrap();
    let again = node.send(&Call::get("/embed/proof.js").header("if-none-match", etag));
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[test]
fn the_page_that_checks_packages_reaches_nothing() {
    let (_dir, node) = Running::fresh();
    let page = node.send(&Call::get("/embed/verify.html"));
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("connect-src"));
    assert!(page.text().contains("role=\"status\""));
}
