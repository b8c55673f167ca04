//! One event, open beside the list: what it says, its content, its bytes, its proof, its neighbours.

mod summary;

use event::{RecordView, Seq};
use maud::{Markup, html};
use query::{Event, Snapshot};

pub(in super::super) use summary::facts;

use super::gather::{self, Row};
use crate::{
    keys::Scope,
    problem::Problem,
    web::{
        address::Address,
        clock::{tag, utc},
        content,
        glyph::{glyph, small},
        json,
        number::{bytes, grouped},
        proof::{self, Checks},
        said::Said,
        selected::Selected,
        text::bdi,
        visit::Visit,
    },
};

/// Events before and after, in the trail as a whole.
const AROUND: usize = 10;

/// What is shown of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Tab {
    Summary,
    Content,
    Raw,
    Proof,
    Context,
    Replay,
}

/// An open event.
pub(in super::super) struct Detail {
    pub(in super::super) event: Event,
    tab: Tab,
    checks: Checks,
    /// The newer and the older one of the list.
    neighbours: (Option<u64>, Option<u64>),
    around: Vec<Row>,
    sees_content: bool,
    is_open: bool,
}

impl Tab {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Summary, "summary", "Summary"),
        (Self::Content, "content", "Content"),
        (Self::Raw, "raw", "Raw"),
        (Self::Proof, "proof", "Proof"),
        (Self::Context, "context", "Context"),
        (Self::Replay, "replay", "Replay"),
    ];

    fn of(name: Option<&str>) -> Self {
        let known = Self::ALL.iter().find(|(_, word, _)| Some(*word) == name);
        known.map_or(Self::Summary, |(tab, ..)| *tab)
    }

    fn title(self) -> &'static str {
        let known = Self::ALL.iter().find(|(tab, ..)| *tab == self);
        known.map_or("", |(.., title)| title)
    }
}

impl Detail {
    /// Reads an event; `None` if there is none for this reader.
    pub(in super::super) fn read(
        visit: &Visit,
        selected: &Selected,
        view: &Snapshot,
        seq: Seq,
    ) -> Result<Option<Self>, Problem> {
        let Some(event) = view.get(seq)? else {
            return Ok(None);
        };
        let record = parse(&event)?;
        if visit
            .caller
            .project()
            .is_some_and(|project| record.project.as_deref() != Some(project))
        {
            return Ok(None);
        }
        let sees_content = visit.has(Scope::Content);
        let tab = Tab::of(visit.address.get("tab"));
        let around = if tab == Tab::Context {
            gather::around(selected, view, seq, AROUND)?
        } else {
            Vec::new()
        };
        let listed = gather::read(
            selected,
            view,
            &[query::Row {
                seq,
                record: event.record.clone(),
            }],
        )?;
        let is_open = listed
            .first()
            .is_some_and(|row| row.said.outcome.word == "no end");
        Ok(Some(Self {
            checks: Checks::of(visit, view, &event, sees_content)?,
            neighbours: gather::neighbours(selected, view, seq)?,
            event,
            tab,
            around,
            sees_content,
            is_open,
        }))
    }

    /// Whether the bytes of the content are on the page.
    pub(super) fn shows_content(&self) -> bool {
        let is_shown = !matches!(self.tab, Tab::Proof | Tab::Context);
        is_shown && self.sees_content && self.event.content.is_some()
    }
}

fn parse(event: &Event) -> Result<RecordView<'_>, Problem> {
    RecordView::parse(&event.record).map_err(|error| Problem::internal(&error))
}

/// The pane; empty if no event is open.
pub(in super::super) fn pane(visit: &Visit, detail: Option<&Detail>) -> Markup {
    let here = &visit.address;
    let Some(detail) = detail else {
        let asked = here.get("event");
        return html! {
            aside #drawer.drawer.gone[asked.is_none()] {
                @if let Some(asked) = asked {
                    header.drawer-head { div.between { strong { "Event " (bdi(asked)) } (close(here)) } }
                    div.empty { p { "There is no such event here, or it is not yours to see." } }
                }
            }
        };
    };
    let Ok(record) = parse(&detail.event) else {
        return html! { aside #drawer.drawer { div.empty { p { "The record cannot be read." } } } };
    };
    html! {
        aside #drawer.drawer aria-label={ "Event " (grouped(detail.event.seq)) } data-seq=(detail.event.seq) {
            (head(visit, detail, &record))
            div.drawer-body tabindex="0" role="group" aria-label=(detail.tab.title()) { (body(visit, detail, &record)) }
            (foot(visit, detail, &record))
        }
    }
}

fn close(here: &Address) -> Markup {
    html! {
        a.btn.icon.ghost data-close href=(here.without(&["event", "tab"])) aria-label="Close" { (glyph("close")) }
    }
}

fn head(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    let here = &visit.address;
    let said = Said::of(record, detail.is_open);
    let seq = detail.event.seq;
    let (newer, older) = detail.neighbours;
    let step = |to: Option<u64>, name: &str, mark: &str, key: &str| {
        html! {
            @if let Some(to) = to {
                a.btn.icon.ghost data-step=(key) href=(here.with("event", to)) aria-label=(name) title={ (name) " (" (key) ")" }
                    hx-target="#drawer" hx-select="#drawer" hx-swap="outerMorph show:none" { (glyph(mark)) }
            } @else {
                span.btn.icon.ghost aria-disabled="true" { (glyph(mark)) }
            }
        }
    };
    html! {
        header.drawer-head {
            div.between {
                span.line { code.dim { "#" (grouped(seq)) } span.tag { (crate::web::glyph::source(&said.source)) (bdi(&said.source)) } }
                span.line.tight {
                    (step(newer, "Newer event of the list", "up", "["))
                    (step(older, "Older event of the list", "down", "]"))
                    a.btn.icon.ghost data-copy-link href=(here) aria-label="Link to this event" title="Link to this event (y)" { (glyph("link")) }
                    (close(here))
                }
            }
            h2.heading { span.wrap { (bdi(&said.what)) } @if !said.to.is_empty() { " " span.soft.regular.wrap { (bdi(&said.to)) } } }
            p.line.soft {
                (said.outcome.draw())
                @if let Some(took) = &said.took { span { (took) } }
                span.line { (said.actor()) }
                span { (tag(record.time_us, &format!("{} {}", visit.clock.day(record.time_us), visit.clock.exact(record.time_us)))) }
            }
        }
        (tabs(here, detail.tab))
    }
}

/// The tabs of an open event.
pub(in super::super) fn tabs(here: &Address, current: Tab) -> Markup {
    html! {
        nav.tabs aria-label="Parts of the event" {
            @for (tab, word, name) in Tab::ALL {
                a href=(here.with("tab", word)) data-tab=(word) aria-current=[(tab == current).then_some("true")]
                    hx-target="#drawer" hx-select="#drawer" hx-swap="outerMorph show:none" { (name) }
            }
        }
    }
}

fn body(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    match detail.tab {
        Tab::Summary => summary::page(visit, detail, record),
        Tab::Content => contents(visit, detail, record),
        Tab::Raw => raw(visit, detail),
        Tab::Proof => proof_page(visit, detail, record),
        Tab::Context => context(visit, detail),
        Tab::Replay => replay(visit, detail, record),
    }
}

/// Below which address the content's members can be had.
fn base(seq: Seq) -> String {
    format!("/events/{seq}/content")
}

fn contents(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    match (&detail.event.content, detail.sees_content) {
        (None, _) => html! { p.dim { "The event was recorded without content." } },
        (Some(_), false) => withheld(visit),
        (Some(bytes), true) => html! {
            (kept(record))
            (content::panels(record, bytes, &base(detail.event.seq)))
        },
    }
}

/// In the place of a content that somebody may not see: why, and who may.
pub(in super::super) fn withheld(visit: &Visit) -> Markup {
    html! {
        div.alert {
            (small("lock"))
            div {
                p.strong { "Recorded, and not shown to you" }
                p.soft {
                    @match visit.caller.key.role {
                        Some(role) => { "What went in and came out is for auditors and admins; your role is " (role.as_str()) ". An admin of this trail can change it under Settings." },
                        None => { "What went in and came out needs the scope " code { "content" } ", which this key does not have." },
                    }
                }
                p.soft { "Its hash is checked all the same." }
            }
        }
    }
}

/// What is known of the content without reading it.
fn kept(record: &RecordView<'_>) -> Markup {
    let Some(info) = &record.content else {
        return html! {};
    };
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    html! {
        p.small.dim {
            (bytes(count(info.bytes))) " as stored"
            @if let Some(cut) = info.truncated_bytes { ", " (bytes(count(cut))) " were cut off before; the hash of the whole is kept" }
            @match info.redactions {
                Some(1) => ", 1 redaction",
                Some(count) if count > 1 => { ", " (grouped(count)) " redactions" },
                _ => {},
            }
        }
    }
}

fn raw(visit: &Visit, detail: &Detail) -> Markup {
    let seq = detail.event.seq;
    let record = String::from_utf8_lossy(&detail.event.record);
    let link = format!("/events/{seq}/record");
    html! {
        section.panel {
            header.between { h3 { "Record" } a.small href=(link) download { (bytes(detail.event.record.len() as u64)) } }
            (json::text_panel(&record, "raw", &link))
        }
        @if let Some(content) = &detail.event.content {
            section.panel {
                header.between { h3 { "Content" }
                    @if detail.sees_content { a.small href=(base(seq)) download { (bytes(content.len() as u64)) } } }
                @if detail.sees_content { (json::text_panel(&String::from_utf8_lossy(content), "raw", &base(seq))) } @else { (withheld(visit)) }
            }
        }
        p.small.dim { "These are the bytes that were hashed, as they are stored and exported." }
    }
}

fn proof_page(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    let checks = &detail.checks;
    let seq = detail.event.seq.0;
    html! {
        div.col data-prove={ "/v1/events/" (seq) "/proof" } data-seq=(seq) data-key=(visit.caller.trail.verifier_key()) {
            (proof::verdict(checks, seq, &utc(recorded(record))))
            (proof::list(checks))
            p.small.dim data-prove-note { "Checked by this server as the page was made. The proof that you download is checked without it." }
        }
        (proof::audit_path(checks, seq))
        dl.facts {
            @if let Some(hash) = &checks.leaf_hash { dt { "Leaf hash" } dd { code { (hash) } } }
            @if let Some(checkpoint) = &checks.checkpoint {
                dt { "Root" } dd { code { (checkpoint.root) } }
                dt { "Checkpoint" } dd { strong { (grouped(checkpoint.size)) } " events, signed by the log's own key" }
            }
        }
    }
}

fn recorded(record: &RecordView<'_>) -> i64 {
    i64::try_from(record.recorded_at.0).unwrap_or(i64::MAX)
}

fn context(visit: &Visit, detail: &Detail) -> Markup {
    let here = &visit.address;
    html! {
        p.small.dim { "Ten before and ten after, in the trail as a whole." }
        ul.around {
            @for row in &detail.around {
                li aria-current=[(row.seq == detail.event.seq.0).then_some("true")] {
                    a.over href=(here.with("event", row.seq)) hx-target="#drawer" hx-select="#drawer" hx-swap="outerMorph show:none" { code.dim { (grouped(row.seq)) } }
                    span.dim { (tag(row.time_us, &visit.clock.time(row.time_us))) }
                    div.said.cut { (row.said.what()) }
                    (row.said.outcome.draw())
                }
            }
        }
    }
}

/// The event as a step of its job: what was said, typed or sent, and the way to the steps around it.
fn replay(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    let address = |job| crate::web::replay::address(visit, job).with("event", detail.event.seq);
    html! {
        @if let Some(job) = &record.job {
            p.soft { "A step of the job " a hx-boost="false" href=(address(job)) { (bdi(job)) } ", shown as it was recorded. Nothing is run." }
        } @else {
            p.soft { "It belongs to no job: no step comes before or after it. It is shown as it was recorded, nothing is run." }
        }
        (contents(visit, detail, record))
    }
}

fn foot(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    let seq = detail.event.seq;
    html! {
        footer.drawer-foot {
            @if let Some(job) = &record.job {
                a.btn data-replay hx-boost="false" href=(crate::web::replay::address(visit, job).with("event", seq)) { (glyph("play")) "Replay from here" }
            }
            a.btn data-download href={ "/events/" (seq) "/proof" } download { (glyph("download")) "Download proof" }
            @if visit.has(Scope::Export) { a.btn.icon href={ "/events/" (seq) "/share" } title="Share the proof" aria-label="Share the proof" { (glyph("link")) } }
            a.btn.ghost.last href={ "/events/" (seq) "/record" } download { (glyph("file")) "Record" }
        }
    }
}
