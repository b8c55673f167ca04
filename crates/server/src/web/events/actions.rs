//! What can be done with a list: follow it, keep it, show it to somebody, hand it over.

use maud::{Markup, html};

use super::gather::Found;
use crate::{
    keys::Scope,
    views::View,
    web::{
        clock::rfc3339, export, frame::seal, glyph::glyph, selected::Selected, text::bdi,
        visit::Visit,
    },
};

pub(super) fn actions(
    visit: &Visit,
    selected: &Selected,
    found: Option<&Found>,
    views: &[View],
) -> Markup {
    let here = visit.address.without(&["after", "before", "event", "tab"]);
    let is_live = visit.address.get("live").is_some();
    html! {
        div.actions {
            @if found.is_some() {
                a.btn.on[is_live] data-live aria-current=[is_live.then_some("true")]
                    href=(if is_live { here.with("live", "") } else { here.with("live", "1").with("at", "") })
                { (glyph("live")) span.word { "Live" } }
            }
            (keep(visit, selected, views))
            @if let Some(found) = found { (share(visit, selected, found)) }
            @if visit.has(Scope::Export) {
                a.btn href=(export::everything(&here.to("/events").with("q", &selected.q))) { (glyph("export")) span.word { "Export" } }
            }
            a.btn.facets-button href="#facets" data-facets-button { (glyph("filter")) span.sr { "Facets" } }
        }
    }
}

/// Saved views, and this one to save.
fn keep(visit: &Visit, selected: &Selected, views: &[View]) -> Markup {
    let here = visit
        .address
        .without(&["after", "before", "event", "tab", "live", "tz"]);
    html! {
        details.menu data-menu {
            summary.btn { (glyph("star")) span.word { "Save" } span.sr { "Saved views" } }
            div.sheet {
                @if views.is_empty() { p.note { "No view is saved yet. Everybody of this trail sees what is saved here." } }
                @for view in views {
                    div.saved {
                        a.choice href=(view.address) { (bdi(&view.name)) }
                        form method="post" action="/views/remove" {
                            (seal(visit)) input type="hidden" name="id" value=(view.id); input type="hidden" name="next" value=(visit.address);
                            button.btn.icon.ghost aria-label={ "Remove " (crate::web::text::label(&view.name)) } { (glyph("close")) }
                        }
                    }
                }
                hr;
                form.own method="post" action="/views" {
                    (seal(visit))
                    input type="hidden" name="address" value=(here);
                    input type="hidden" name="next" value=(visit.address);
                    div.field { label.small.dim for="view-name" { "Save this view as" }
                        input.input #view-name name="name" required maxlength="80" placeholder=(suggestion(selected)); }
                    button.btn { "Save" }
                }
            }
        }
    }
}

fn suggestion(selected: &Selected) -> &str {
    if selected.q.is_empty() {
        "All events"
    } else {
        "Failures of last week"
    }
}

/// The same list for somebody else: its times as instants, its log at this size.
fn share(visit: &Visit, selected: &Selected, found: &Found) -> Markup {
    let period = &selected.period;
    let instant = |us: Option<i64>| us.map(rfc3339).unwrap_or_default();
    let from = period.from_us.or(found.whole.map(|whole| whole.0));
    let to = period.to_us.or(found.whole.map(|whole| whole.1));
    let address = visit.address.without(&["after", "before", "live"]);
    let address = address
        .with("from", instant(from))
        .with("to", instant(to))
        .with("at", found.size);
    html! {
        details.menu data-menu data-share {
            summary.btn { (glyph("link")) span.word { "Share" } span.sr { "a link" } }
            div.sheet.wide {
                p.note { "This link shows the same events whenever it is opened: its times are fixed, and the log is taken as it was at tree size "
                    strong { (crate::web::number::grouped(found.size)) } ". Whoever opens it signs in first." }
                div.copy {
                    input.input #share-link readonly value=(address) data-absolute aria-label="Link to these events";
                    button.btn.icon type="button" data-copy="#share-link" aria-label="Copy the link" { (glyph("copy")) }
                }
                p { a href=(address) { "Open it" } }
            }
        }
    }
}
