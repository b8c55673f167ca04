//! The events of a package: records, proofs and contents side by side, each against the tree.

use event::{RecordView, filter::Filter, instant_micros};
use serde::Deserialize;
use tlog::Checkpoint;

use super::{
    Checks, Progress,
    fault::{Fault, Faults, Wrong},
    lines::{Lines, Rows},
};
use crate::{
    archive::Archive,
    claim::{Claim, Content, parse_proof},
    erasures::{Erasure, Erasures},
    gaps::{Numbered, Numbers},
    manifest::{CONTENTS, MANIFEST, Manifest, PROOFS, RECORDS},
};

/// Longest record (`docs/format.md` §1).
const RECORD_BYTES: u64 = 60_000;
/// Longest line with a content: 16 MiB, which is more than a server takes, all of it escaped.
const CONTENT_LINE_BYTES: u64 = 6 * (16 << 20) + 1_000;
/// Longest line with a proof: 64 hashes and a leaf.
const PROOF_LINE_BYTES: u64 = 8_192;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofRow {
    seq: u64,
    salt_record: Option<String>,
    salt_content: Option<String>,
    leaf: String,
    proof: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentRow {
    seq: u64,
    content: String,
}

/// What the walk over the events leaves for the checks of the whole.
pub(super) struct Walked {
    pub(super) numbers: Numbers,
    /// Whether every event that the log had was asked for.
    pub(super) is_everything: bool,
    /// Files that were read, and to their end.
    pub(super) files: Vec<Lines>,
}

/// The walk.
struct Walk<'a> {
    signed: &'a Checkpoint,
    asked: Question,
    erasures: Erasures,
    listed: &'a [Erasure],
    proofs: Rows<ProofRow>,
    contents: Option<Rows<ContentRow>>,
    /// The lowest position that may come next.
    next_seq: u64,
    numbers: Numbers,
    checks: &'a mut Checks,
    faults: &'a mut Faults,
}

/// What was asked for, as far as this version understands it.
struct Question {
    filter: Option<Filter>,
    from: Option<i64>,
    to: Option<i64>,
    at: u64,
}

/// One line of `records.jsonl`.
enum Line<'a> {
    Record(Box<RecordView<'a>>),
    /// `{"v":1,"seq":n,"erased":true}`.
    Erased(u64),
    /// No record: its place is known by its neighbours only.
    Unknown,
}

/// Walks over the events until their end or until too much is wrong.
pub(super) fn walk(
    archive: &Archive,
    manifest: &Manifest,
    signed: &Checkpoint,
    checks: &mut Checks,
    faults: &mut Faults,
    progress: Progress<'_>,
) -> Option<Walked> {
    let mut open = |file, limit| {
        let member = archive.member(file);
        if member.is_none() {
            faults.push(Fault::of(file, Wrong::Missing));
        }
        Some(Lines::new(file, member?, limit))
    };
    let records = open(RECORDS, RECORD_BYTES);
    let proofs = open(PROOFS, PROOF_LINE_BYTES);
    let (mut records, proofs) = (records?, proofs?);
    let contents = archive.member(CONTENTS);
    let contents = contents.map(|member| Lines::new(CONTENTS, member, CONTENT_LINE_BYTES));
    let mut erasures = Erasures::default();
    manifest.erasures.iter().for_each(|told| erasures.add(told));
    let mut walk = Walk {
        signed,
        asked: Question::read(manifest, faults),
        erasures,
        listed: &manifest.erasures,
        proofs: Rows::new(proofs, faults),
        contents: contents.map(|lines| Rows::new(lines, faults)),
        next_seq: 0,
        numbers: Numbers::default(),
        checks,
        faults,
    };
    while let Some(text) = records.next_line(walk.faults) {
        walk.line(&records, &text);
        progress(records.count());
        if walk.faults.is_full() {
            return None;
        }
    }
    walk.end();
    let is_everything = walk.asked.is_everything();
    let mut files = vec![records, walk.proofs.into_lines()];
    files.extend(walk.contents.map(Rows::into_lines));
    Some(Walked {
        numbers: walk.numbers,
        is_everything,
        files,
    })
}

impl Walk<'_> {
    fn line(&mut self, records: &Lines, text: &str) {
        let line = Line::read(text);
        let stated = line.seq();
        self.skip_proofs(|seq| stated.is_some_and(|stated| seq < stated));
        let fits = |proof: &ProofRow| stated.is_none_or(|stated| proof.seq == stated);
        let Some(proof) = self.proofs.take_if(fits, self.faults) else {
            let wrong = match stated {
                Some(seq) => Wrong::NoProof { seq },
                None => Wrong::NoRecordHere,
            };
            self.faults.push(records.fault(wrong));
            return;
        };
        let seq = proof.seq;
        if seq < self.next_seq {
            self.faults.push(records.fault(Wrong::Order { seq }));
        }
        self.left_out(seq);
        self.next_seq = seq.saturating_add(1);
        let content = self.content_of(seq, line.has_content());
        let is_erased = matches!(line, Line::Erased(_));
        if let Err(wrong) = self.check(&proof, (!is_erased).then_some(text), content.as_deref()) {
            self.faults.push(records.fault(wrong));
        }
        if let Line::Record(view) = &line {
            self.look_at(records, view, content.as_deref());
        }
    }

    /// The event against the tree.
    fn check(
        &mut self,
        proof: &ProofRow,
        record: Option<&str>,
        content: Option<&str>,
    ) -> Result<(), Wrong> {
        let seq = proof.seq;
        let claim_error = |source| Wrong::Claim { seq, source };
        let claim = Claim {
            seq,
            record,
            content,
            salt_record: proof.salt_record.as_deref(),
            salt_content: proof.salt_content.as_deref(),
            leaf: &proof.leaf,
            proof: &parse_proof(&proof.proof).map_err(claim_error)?,
        };
        let checked = claim.check(self.signed).map_err(claim_error)?;
        let gone = |what| Wrong::Gone { seq, what };
        if checked.record {
            self.checks.records += 1;
        } else if self.erasures.has_record(seq) {
            self.checks.erased += 1;
        } else {
            return Err(gone("record"));
        }
        match checked.content {
            Content::None => {}
            Content::Present => self.checks.contents += 1,
            Content::Absent if self.erasures.has_content(seq) => {}
            Content::Absent if self.contents.is_none() => self.checks.withheld += 1,
            Content::Absent => return Err(gone("content")),
        }
        Ok(())
    }

    /// What the record says, against what was asked for and what the package says of itself.
    fn look_at(&mut self, records: &Lines, view: &RecordView<'_>, content: Option<&str>) {
        let seq = view.seq.0;
        if let Some(numbered) = Numbered::of(view) {
            self.numbers.add(&numbered);
        }
        match self.asked.matches(view, content) {
            Some(true) => {}
            Some(false) => self.faults.push(records.fault(Wrong::NotAsked { seq })),
            None => self.checks.unjudged += 1,
        }
        // An erasure that the manifest tells differently from its record.
        let told = self.listed.iter().find(|told| told.seq == seq);
        if let Some(told) = told
            && Erasure::of(view).as_ref() != Some(told)
        {
            self.faults.push(Fault::of(MANIFEST, Wrong::Disagrees));
        }
    }

    fn content_of(&mut self, seq: u64, has_content: bool) -> Option<String> {
        let contents = self.contents.as_mut()?;
        while let Some(stray) = contents.take_if(|row| row.seq < seq, self.faults) {
            let wrong = Wrong::StrayContent { seq: stray.seq };
            self.faults.push(contents.fault(wrong));
            if self.faults.is_full() {
                return None;
            }
        }
        let is_wanted = |row: &ContentRow| has_content && row.seq == seq;
        Some(contents.take_if(is_wanted, self.faults)?.content)
    }

    fn skip_proofs(&mut self, is_before: impl Fn(u64) -> bool) {
        while let Some(proof) = self.proofs.take_if(|row| is_before(row.seq), self.faults) {
            let wrong = Wrong::NoRecord { seq: proof.seq };
            self.faults.push(self.proofs.fault(wrong));
            if self.faults.is_full() {
                return;
            }
        }
    }

    /// Notes that everything before a position was passed over.
    fn left_out(&mut self, seq: u64) {
        if self.asked.is_everything() && seq > self.next_seq {
            let wrong = Wrong::LeftOut {
                from: self.next_seq,
                to: seq - 1,
            };
            self.faults.push(Fault::of(RECORDS, wrong));
        }
    }

    fn end(&mut self) {
        self.skip_proofs(|_| true);
        self.content_of(u64::MAX, false);
        self.left_out(self.asked.at);
        if let Some(last) = self.contents.as_ref().and_then(Rows::peek) {
            let wrong = Wrong::StrayContent { seq: last.seq };
            self.faults.push(Fault::of(CONTENTS, wrong));
        }
    }
}

impl Question {
    fn read(manifest: &Manifest, faults: &mut Faults) -> Self {
        let query = &manifest.query;
        let mut end = |text: &Option<String>| {
            let micros = instant_micros(text.as_deref()?);
            if micros.is_err() {
                faults.push(Fault::of(MANIFEST, Wrong::Question));
            }
            micros.ok()
        };
        Self {
            from: end(&query.from),
            to: end(&query.to),
            filter: event::filter::parse(&query.q).ok(),
            at: query.at,
        }
    }

    fn is_everything(&self) -> bool {
        let is_all = |filter: &Filter| filter.terms().is_empty();
        self.filter.as_ref().is_some_and(is_all) && self.from.is_none() && self.to.is_none()
    }

    /// Whether a record was asked for; unknown if that depends on a content that is not here, or the filter is of
    /// another version.
    fn matches(&self, view: &RecordView<'_>, content: Option<&str>) -> Option<bool> {
        let time = view.time_us;
        let in_range =
            self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to);
        if !in_range || view.seq.0 >= self.at {
            return Some(false);
        }
        let filter = self.filter.as_ref()?;
        let lacks_content = view.content.is_some() && content.is_none();
        if filter.needs_content() && lacks_content {
            return None;
        }
        Some(filter.matches(view, content.map(str::as_bytes)))
    }
}

impl<'a> Line<'a> {
    fn read(text: &'a str) -> Self {
        if let Ok(view) = RecordView::parse(text.as_bytes()) {
            return Self::Record(Box::new(view));
        }
        let erased = text.strip_prefix("{\"v\":1,\"seq\":");
        let erased = erased.and_then(|rest| rest.strip_suffix(",\"erased\":true}"));
        match erased.and_then(|seq| seq.parse().ok()) {
            Some(seq) => Self::Erased(seq),
            None => Self::Unknown,
        }
    }

    fn seq(&self) -> Option<u64> {
        match self {
            Self::Record(view) => Some(view.seq.0),
            Self::Erased(seq) => Some(*seq),
            Self::Unknown => None,
        }
    }

    fn has_content(&self) -> bool {
        match self {
            Self::Record(view) => view.content.is_some(),
            // What is not known to have none may have one.
            Self::Erased(_) | Self::Unknown => true,
        }
    }
}
