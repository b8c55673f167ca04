use journal::RealFs;

use super::*;

fn open(dir: &Path, limit_bytes: u64) -> Spool {
    Spool::open(Arc::new(RealFs), dir, limit_bytes, "fresh").unwrap()
}

fn lines(spool: &Spool) -> String {
    spool.batch().map_or(String::new(), |batch| {
        String::from_utf8(batch.lines().unwrap()).unwrap()
    })
}

#[test]
fn numbers_go_on_after_a_restart_and_after_delivery() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1 << 20);
    assert_eq!(spool.producer().next_seq, 0);
    spool.append(b"{\"n\":0}\n{\"n\":1}\n", 2).unwrap();
    spool.append(b"{\"n\":2}\n", 1).unwrap();
    drop(spool);
    let mut spool = Spool::open(Arc::new(RealFs), dir.path(), 1 << 20, "another").unwrap();
    let expected = Producer {
        id: "fresh".to_owned(),
        next_seq: 3,
    };
    assert_eq!(*spool.producer(), expected);
    assert_eq!(lines(&spool), "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
    let batch = spool.batch().unwrap();
    spool.append(b"{\"n\":3}\n", 1).unwrap();
    spool.delivered(&batch).unwrap();
    drop(spool);
    let spool = open(dir.path(), 1 << 20);
    assert_eq!(
        (lines(&spool).as_str(), spool.producer().next_seq),
        ("{\"n\":3}\n", 4)
    );
}

#[test]
fn a_full_spool_refuses_and_takes_again_when_it_was_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 20 << 20);
    let line = [vec![b'x'; 1 << 20], vec![b'\n']].concat();
    let mut kept = 0;
    let full = loop {
        match spool.append(&line, 1) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, SpoolError::Full { .. }), "{full}");
    assert!((18..20).contains(&kept), "{kept}");
    assert_eq!(spool.producer().next_seq, kept);
    let mut delivered = 0;
    while let Some(batch) = spool.batch() {
        delivered += batch.lines().unwrap().len() / line.len();
        spool.delivered(&batch).unwrap();
    }
    assert_eq!(delivered as u64, kept);
    assert!(spool.bytes() <= COMPACT_BYTES, "{}", spool.bytes());
    spool.append(&line, 1).unwrap();
    drop(spool);
    assert_eq!(open(dir.path(), 20 << 20).producer().next_seq, kept + 1);
}

#[test]
fn a_small_spool_is_not_full_of_what_was_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1_000);
    for round in 0..50 {
        spool.append(&[b'x'; 600], 1).unwrap();
        assert!(
            matches!(spool.append(&[b'x'; 600], 1), Err(SpoolError::Full { .. })),
            "{round}"
        );
        spool.append_reserved(&[b'x'; 600], 1).unwrap();
        let batch = spool.batch().unwrap();
        spool.delivered(&batch).unwrap();
    }
    assert_eq!(spool.producer().next_seq, 100);
}

#[test]
fn what_is_no_frame_of_a_spool_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::default();
    for payload in [
        &b"\x09x"[..],
        b"\x03\xffab",
        b"\x04\x01p\0\0\0\0\0\0\0\0short",
        b"\x02x",
    ] {
        let dir = dir.path().join(format!("{}", payload[0]));
        let (mut journal, _) =
            Journal::open(Arc::new(RealFs), &dir, options, &mut |_, _| Ok(())).unwrap();
        journal.append(&[payload]).unwrap();
        drop(journal);
        let error = Spool::open(Arc::new(RealFs), &dir, 1 << 20, "f").unwrap_err();
        assert!(
            matches!(error, SpoolError::Unknown { frame: 0, .. }),
            "{error}"
        );
    }
}
