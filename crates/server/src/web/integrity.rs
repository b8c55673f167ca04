//! Integrity: what the log signed, what this server finds when it checks it, and whose numbers are missing.

mod gather;
mod producers;
mod tiles;

use std::sync::Arc;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use gather::{Asked, Found, Since};
use hyper::header::SET_COOKIE;
use maud::{Markup, html};

use super::{
    clock::tag,
    cookies::{self, Cookies},
    document::Document,
    frame::{self, Frame, Nav},
    glyph::{glyph, sized},
    number::{ago, count_of, duration, grouped},
    visit::Visit,
};
use crate::{app::App, problem::Problem};

/// `GET /integrity`
pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let frame = Frame::of(Nav::Integrity);
    if visit.caller.project().is_some() {
        let body = html! {
            div.page { div.alert { (glyph("lock")) p { "Your key sees one project. Checkpoints and tiles are about the whole trail, so that they stay closed to it; the proof of each event that you see is open." } } }
        };
        return Ok(Document::ok(frame::page(&visit, &frame, &body)).into_response());
    }
    let seen = Cookies::of(&headers)
        .get("indelible_seen")
        .and_then(gather::Seen::parse);
    let seen = seen.filter(|seen| seen.trail == visit.caller.trail_id().as_str());
    let asked = Asked {
        trail: Arc::clone(&visit.caller.trail),
        numbers: app.node().numbers(visit.caller.trail_id()),
        seen,
    };
    let engine = visit.engine(&app);
    let found = app.read(move || asked.answer(&engine.snapshot()?)).await?;
    let cookie = found
        .seen_now(&visit)
        .and_then(|seen| cookies::taste("seen", &seen));
    let body = body(&visit, &found);
    let mut response = Document::ok(frame::page(&visit, &frame, &body)).into_response();
    response
        .headers_mut()
        .extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

fn body(visit: &Visit, found: &Found) -> Markup {
    html! {
        h1.sr { "Integrity" }
        div.page {
            (headline(visit, found))
            div.cards.integrity-cards {
                div.col {
                    (in_browser(found))
                    (checked(found))
                    (producers::card(visit, &found.numbers))
                }
                div.col {
                    (witnesses())
                    (since(visit, found))
                    (checkpoints(visit, found))
                }
            }
        }
    }
}

fn headline(visit: &Visit, found: &Found) -> Markup {
    let is_good = found.is_good();
    let first = found.first_us.map(|us| visit.clock.day(us));
    let fact = |name: &str, value: Markup| html! { div.figure { span.label { (name) } span.value.wrap { (value) } } };
    let Some(newest) = found.kept.first() else {
        return html! { section.card { div.empty { p { "The log has not signed a checkpoint yet; it does within a second of the first event." } } } };
    };
    let signed_us = i64::try_from(newest.published_at.0).unwrap_or(i64::MAX);
    html! {
        section.card {
            div.headline data-integrity {
                span class=(if is_good { "ok" } else { "bad" }) { (sized(if is_good { "v-verified" } else { "v-failed" }, "g headline-mark")) }
                div {
                    h2 { @if is_good { "Verified to #" (grouped(newest.checkpoint.size.saturating_sub(1))) } @else { "The log does not verify" } }
                    p.soft {
                        @if is_good { @if let Some(first) = first { "Since " (first) " this log has been appended to and nothing else, as far as it can show by itself." } }
                        @else { "A check below failed. Stop writing, keep the data directory as it is, and run " code { "indelible verify" } "." }
                    }
                }
                a.btn.large data-verify href="/integrity" { (glyph("refresh")) "Check again" }
            }
            div.figures.slim.lined-top {
                (fact("Tree size", html! { (grouped(newest.checkpoint.size)) }))
                (fact("Root", html! { code { (newest.checkpoint.root) } }))
                (fact("Signed", html! { (tag(signed_us, &visit.clock.time(signed_us))) span.of { (visit.clock.day(signed_us)) } }))
                (fact("Log key", html! { code #log-key data-copied { (found.vkey) } }))
            }
        }
    }
}

/// What the reader's own browser finds, which a script fills.
fn in_browser(found: &Found) -> Markup {
    html! {
        section.card.lined hidden data-browser-check data-key=(found.vkey) aria-labelledby="in-browser" {
            header { h2 #in-browser { "Checked in this browser" } span.end role="status" data-browser-status {} }
            div.body.padded.col {
                ul.checks.timed {}
                button.btn.small type="button" hidden data-pin { (glyph("key")) "Pin this key in this browser" }
                p.small.dim { "From bytes that the server handed out. A pinned key is compared with every proof that is opened here; compare it with one that you were given on another way." }
            }
        }
    }
}

fn checked(found: &Found) -> Markup {
    let all_good = found.is_good();
    html! {
        section.card.lined aria-labelledby="checked" {
            header { h2 #checked { "Checked by this server" }
                @if all_good { span.tag.ok { (glyph("tick")) "all checks passed" } } @else { span.tag.bad { (glyph("error")) "a check failed" } }
                span.end { "just now, " (duration(found.took_us)) } }
            div.body.padded.col {
                (tiles::map(found.size(), found.log_size))
                ul.checks.timed {
                    @for check in &found.checks {
                        li class=(if check.is_good { "" } else { "failed" }) {
                            span class=(if check.is_good { "ok" } else { "bad" }) { (glyph(if check.is_good { "tick" } else { "error" })) }
                            span.medium { (check.name) } span.soft { (check.about) } span.dim.num { (duration(check.took_us)) }
                        }
                    }
                }
                p.small.dim { "The server's own word. " code { "indelible verify" } " checks everything without it, and a proof that you download is checked by whoever has the log's key." }
            }
        }
    }
}

fn witnesses() -> Markup {
    html! {
        section.card.lined {
            header { h2 { "Witnesses" } span.end { "none" } }
            div.empty { p.dim { "Nobody else signs this log yet. A log without witnesses could show different trees to different people, and only comparing them would tell." } }
        }
    }
}

/// What this browser saw last time, and whether today's log grew out of it.
fn since(visit: &Visit, found: &Found) -> Markup {
    html! {
        section.card.lined {
            header { h2 { "Since your last visit" }
                @if let Some((seen, _)) = &found.since { span.end { (tag(seen.time_us, &visit.clock.stamp(seen.time_us))) } } }
            div.body.padded {
                @match &found.since {
                    None => p.dim { "This browser sees the log for the first time. Next time it is checked that the log only grew." },
                    Some((seen, Since::Consistent(hashes))) => {
                        svg.since width="100%" height="32" aria-hidden="true" {
                            line.trunk x1="3%" x2="97%" y1="16" y2="16" {}
                            @for tick in 0..*hashes { line.hash x1={ (8 + tick * 84 / (*hashes).max(1)) "%" } x2={ (8 + tick * 84 / (*hashes).max(1)) "%" } y1="11" y2="21" {} }
                            svg x="3%" y="16" width="1" height="1" overflow="visible" { circle.then cx="0" cy="0" r="5" {} }
                            svg x="97%" y="16" width="1" height="1" overflow="visible" { circle.now cx="0" cy="0" r="6" {} }
                        }
                        p.between { span.dim { (grouped(seen.size)) } span { @if *hashes == 0 { "the same tree" } @else { (count_of(*hashes as u64, "hash", "hashes")) ", consistent" } } span.dim { (grouped(found.size())) } }
                    },
                    Some((seen, Since::Differs)) => {
                        div.alert.bad role="alert" { (glyph("error")) div { p.strong { "The log is not the one that this browser saw" }
                            p { "At size " (grouped(seen.size)) " its root was " code.wrap { (seen.root) } ". What it was then is not a part of what it is now." } } }
                    },
                }
            }
        }
    }
}

fn checkpoints(visit: &Visit, found: &Found) -> Markup {
    html! {
        section.card.lined {
            header { h2 { "Checkpoints" } a.end href="/v1/log/checkpoint" download="checkpoint.txt" { "Signed note" } }
            div.scroll { table.table.dense {
                thead { tr { th { "Size" } th { "Root" } th { "Signed" } } }
                tbody {
                    @for kept in &found.kept {
                        @let us = i64::try_from(kept.published_at.0).unwrap_or(i64::MAX);
                        tr {
                            td { strong { (grouped(kept.checkpoint.size)) } }
                            td { code.dim { (short(&kept.checkpoint.root.to_string())) } }
                            td.nowrap { (tag(us, &ago(visit.clock.now_us().saturating_sub(us)))) }
                        }
                    }
                }
            } }
            footer.small.dim { "The last 10,000 are kept, and one an hour for ever." }
        }
    }
}

fn short(root: &str) -> String {
    let end = root.len().saturating_sub(5);
    format!(
        "{}…{}",
        root.get(..12).unwrap_or(root),
        root.get(end..).unwrap_or_default()
    )
}
