//! The receipts as JSON, written by hand: this runs once for each event of the hot path.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use event::{Reject, json::write_string};
use ledger::{Outcome, Receipt};

use crate::metrics::Outcomes;

/// Typical length of a receipt, bytes.
const RECEIPT_BYTES: usize = 210;
/// Length of a hash in base64.
const HASH_TEXT_BYTES: usize = 44;

const ID_CONFLICT: &str = "id_conflict";

/// What is answered, and what it counts.
pub(super) struct Answered {
    pub(super) body: Vec<u8>,
    pub(super) outcomes: Outcomes,
    /// Size of a tree that holds every event of the answer.
    pub(super) covers: u64,
}

/// Writes one result for each event of the request, in its order.
pub(super) fn write_answer(
    outcomes: &[Outcome],
    rejects: &[(usize, Reject)],
    tree_size: u64,
) -> Answered {
    let mut answer = Answered {
        body: Vec::with_capacity((outcomes.len() + rejects.len()) * RECEIPT_BYTES + 100),
        outcomes: Outcomes::default(),
        covers: 0,
    };
    answer.body.extend_from_slice(br#"{"results":["#);
    let (mut outcomes, mut rejects) = (outcomes.iter(), rejects.iter().peekable());
    for index in 0.. {
        let reject = rejects.next_if(|(refused, _)| *refused == index);
        if let Some((_, reject)) = reject {
            answer.separate(index);
            answer.reject(index, reject.code, &reject.detail);
        } else if let Some(outcome) = outcomes.next() {
            answer.separate(index);
            answer.outcome(index, outcome);
        } else {
            break;
        }
    }
    let Outcomes {
        recorded,
        duplicates,
        rejected,
    } = answer.outcomes;
    // Writing into a vector cannot fail.
    let _ = write!(
        answer.body,
        "],\"recorded\":{recorded},\"duplicates\":{duplicates},\"rejected\":{rejected},\"tree_size\":{tree_size}}}"
    );
    answer
}

impl Answered {
    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.body.push(b',');
        }
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) {
        match outcome {
            Outcome::Recorded(receipt) => {
                self.outcomes.recorded += 1;
                self.receipt(br#"{"status":"recorded","id":""#, receipt);
            }
            Outcome::Duplicate(receipt) => {
                self.outcomes.duplicates += 1;
                self.receipt(br#"{"status":"duplicate","id":""#, receipt);
            }
            Outcome::IdConflict { id } => {
                let detail = format!("another event with the id {id} is recorded");
                self.reject(index, ID_CONFLICT, &detail);
            }
        }
    }

    /// An id has no character that JSON escapes.
    fn receipt(&mut self, open: &[u8], receipt: &Receipt) {
        self.covers = self.covers.max(receipt.seq.0 + 1);
        let body = &mut self.body;
        body.extend_from_slice(open);
        body.extend_from_slice(receipt.id.as_bytes());
        let _ = write!(body, "\",\"seq\":{},\"recorded_at\":\"", receipt.seq);
        body.extend_from_slice(&receipt.recorded_at.to_text());
        body.extend_from_slice(br#"","leaf_hash":""#);
        let mut hash = [0; HASH_TEXT_BYTES];
        if let Ok(length) = STANDARD.encode_slice(receipt.leaf_hash.as_bytes(), &mut hash) {
            body.extend_from_slice(hash.get(..length).unwrap_or_default());
        }
        body.extend_from_slice(br#""}"#);
    }

    fn reject(&mut self, index: usize, code: &str, detail: &str) {
        self.outcomes.rejected += 1;
        let body = &mut self.body;
        let _ = write!(
            body,
            "{{\"status\":\"rejected\",\"index\":{index},\"code\":\"{code}\",\"detail\":"
        );
        write_string(body, detail);
        body.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use event::{Micros, Seq};
    use tlog::Hash;

    use super::*;

    #[test]
    fn results_keep_the_order_of_the_request() {
        let receipt = |seq| Receipt {
            id: format!("id-{seq}"),
            seq: Seq(seq),
            recorded_at: Micros(1_000_000),
            leaf_hash: Hash([7; 32]),
        };
        let reject = |detail: &str| Reject {
            code: "missing_member",
            detail: detail.to_owned(),
            member: None,
        };
        let outcomes = [
            Outcome::Duplicate(receipt(7)),
            Outcome::Recorded(receipt(41)),
            Outcome::IdConflict { id: "x".to_owned() },
        ];
        let rejects = [(0, reject("a \"b\"")), (3, reject("c"))];
        let answer = write_answer(&outcomes, &rejects, 42);
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let statuses: Vec<_> = json["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["status"].as_str().unwrap())
            .collect();
        assert_eq!(
            statuses,
            ["rejected", "duplicate", "recorded", "rejected", "rejected"]
        );
        assert_eq!(json["results"][0]["detail"], "a \"b\"");
        assert_eq!(json["results"][2]["seq"], 41);
        assert_eq!(
            json["results"][2]["recorded_at"],
            "1970-01-01T00:00:01.000000Z"
        );
        assert_eq!(json["results"][2]["leaf_hash"], Hash([7; 32]).to_string());
        assert_eq!(json["results"][4]["index"], 4);
        assert_eq!(json["results"][4]["code"], "id_conflict");
        assert_eq!(json["recorded"], 1);
        assert_eq!(json["duplicates"], 1);
        assert_eq!(json["rejected"], 3);
        assert_eq!(json["tree_size"], 42);
        assert_eq!(answer.covers, 42);
    }
}
