use event::json::compact;
use event::{EpochSecret, Leaf, LeafError, Micros, RecordView, Seq, commit_content, commit_record};
use serde::Deserialize;

const VECTORS: &str = include_str!("../vectors/tlog.json");

#[derive(Deserialize)]
struct Vectors {
    leaves: Leaves,
    exact_json: ExactJson,
}

#[derive(Deserialize)]
struct Leaves {
    epoch_secret: String,
    records: Vec<Record>,
    salts: Vec<SaltPair>,
    not_the_leaf: Vec<NotTheLeaf>,
}

#[derive(Deserialize)]
struct Record {
    seq: u64,
    recorded_at: String,
    recorded_at_us: u64,
    #[serde(rename = "record")]
    text: String,
    content: Option<String>,
    salt_r: String,
    salt_c: String,
    #[serde(rename = "C_r")]
    c_r: String,
    #[serde(rename = "C_c")]
    c_c: String,
    leaf: String,
}

#[derive(Deserialize)]
struct SaltPair {
    seq: u64,
    salt_r: String,
    salt_c: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NotTheLeaf {
    EmptyContent {
        salt_c: String,
        #[serde(rename = "C_c")]
        c_c: String,
    },
    Domains {
        salt: String,
        bytes: String,
        as_record: String,
        as_content: String,
    },
}

#[derive(Deserialize)]
struct ExactJson {
    accept: Vec<Accept>,
    reject: Vec<RejectVector>,
}

#[derive(Deserialize)]
struct Accept {
    why: String,
    input: String,
    expected: String,
}

#[derive(Deserialize)]
struct RejectVector {
    why: String,
    input: Option<String>,
    input_hex: Option<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).try_into().unwrap()
}

#[test]
fn exact_json_accepted() {
    let accept = vectors().exact_json.accept;
    assert_eq!(accept.len(), 47);
    for Accept {
        why,
        input,
        expected,
    } in accept
    {
        let mut out = String::new();
        assert_eq!(compact(input.as_bytes(), &mut out), Ok(()), "{why}");
        assert_eq!(out, expected, "{why}");
    }
}

#[test]
fn exact_json_rejected() {
    let reject = vectors().exact_json.reject;
    assert_eq!(reject.len(), 73);
    for RejectVector {
        why,
        input,
        input_hex,
    } in reject
    {
        let bytes = input.map_or_else(|| unhex(&input_hex.unwrap()), String::into_bytes);
        assert!(compact(&bytes, &mut String::new()).is_err(), "{why}");
    }
}

#[test]
fn commitments_and_leaves() {
    let leaves = vectors().leaves;
    let salter = EpochSecret(array(&leaves.epoch_secret)).salter();
    assert_eq!(leaves.records.len(), 3);
    for vector in leaves.records {
        let salts = salter.salts(Seq(vector.seq));
        assert_eq!(hex(&salts.record), vector.salt_r);
        assert_eq!(hex(&salts.content), vector.salt_c);
        let leaf = Leaf {
            recorded_at: Micros::parse(&vector.recorded_at).unwrap(),
            c_r: commit_record(&salts.record, vector.text.as_bytes()),
            c_c: commit_content(&salts.content, vector.content.as_deref().map(str::as_bytes)),
        };
        assert_eq!(leaf.recorded_at, Micros(vector.recorded_at_us));
        assert_eq!(hex(&leaf.c_r), vector.c_r);
        assert_eq!(hex(&leaf.c_c), vector.c_c);
        assert_eq!(hex(&leaf.to_bytes()), vector.leaf);
        assert_eq!(Leaf::parse(&unhex(&vector.leaf)), Ok(leaf));
    }
}

#[test]
fn records_are_read() {
    for vector in vectors().leaves.records {
        let view = RecordView::parse(vector.text.as_bytes()).unwrap();
        assert_eq!(view.seq, Seq(vector.seq));
        assert_eq!(view.recorded_at, Micros(vector.recorded_at_us));
        let content_bytes = view.content.map(|content| content.bytes);
        assert_eq!(
            content_bytes,
            vector
                .content
                .map(|content| i64::try_from(content.len()).unwrap())
        );
    }
}

#[test]
fn salts() {
    let leaves = vectors().leaves;
    let salter = EpochSecret(array(&leaves.epoch_secret)).salter();
    assert_eq!(leaves.salts.len(), 4);
    for SaltPair {
        seq,
        salt_r,
        salt_c,
    } in leaves.salts
    {
        let salts = salter.salts(Seq(seq));
        assert_eq!(
            (hex(&salts.record), hex(&salts.content)),
            (salt_r, salt_c),
            "seq {seq}"
        );
    }
}

#[test]
fn what_is_not_the_leaf() {
    for vector in vectors().leaves.not_the_leaf {
        match vector {
            NotTheLeaf::EmptyContent { salt_c, c_c } => {
                assert_eq!(hex(&commit_content(&array(&salt_c), Some(b""))), c_c);
            }
            NotTheLeaf::Domains {
                salt,
                bytes,
                as_record,
                as_content,
            } => {
                let (salt, bytes) = (array(&salt), unhex(&bytes));
                assert_eq!(hex(&commit_record(&salt, &bytes)), as_record);
                assert_eq!(hex(&commit_content(&salt, Some(&bytes))), as_content);
            }
        }
    }
}

#[test]
fn other_leaves_are_refused() {
    let good = Leaf {
        recorded_at: Micros(1),
        c_r: [2; 32],
        c_c: [3; 32],
    }
    .to_bytes();
    assert_eq!(
        Leaf::parse(&good[..73]),
        Err(LeafError::Length { actual: 73 })
    );
    assert_eq!(
        Leaf::parse(&[&good[..], &[0]].concat()),
        Err(LeafError::Length { actual: 75 })
    );
    for actual in [0, 2, 255] {
        let mut other = good;
        other[0] = actual;
        assert_eq!(Leaf::parse(&other), Err(LeafError::Version { actual }));
    }
    for actual in [1, 255] {
        let mut other = good;
        other[1] = actual;
        assert_eq!(Leaf::parse(&other), Err(LeafError::Kind { actual }));
    }
}
