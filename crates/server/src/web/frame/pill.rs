//! How far the trail is verified, on every page.

use maud::{Markup, html};

use super::super::{clock::tag, glyph::sized, number, visit::Visit};

/// The newest signed checkpoint: its last event and its age. The log re-derives the root from what is stored before it
/// signs; nobody else has vouched for it yet.
pub(super) fn pill(visit: &Visit) -> Markup {
    let newest = visit.caller.trail.kept_checkpoints(1);
    let newest = newest.ok().and_then(|mut kept| kept.pop());
    let Some(newest) = newest else {
        return html! {
            a #pill.pill href=(visit.address.to("/integrity")) {
                (sized("v-pending", "g g18")) b { "Not signed yet" }
            }
        };
    };
    let last = newest.checkpoint.size.saturating_sub(1);
    let published_us = i64::try_from(newest.published_at.0).unwrap_or(i64::MAX);
    let age = number::ago(visit.clock.now_us().saturating_sub(published_us));
    html! {
        a #pill.pill href=(visit.address.to("/integrity"))
            title="The log's own checks. Integrity shows them, and checks again in this browser"
        {
            span.ok { (sized("v-verified", "g g18")) }
            span { b { span.more { "Verified to " } "#" (number::grouped(last)) }
                span.more { " · " (tag(published_us, &age)) " · no witnesses" } }
        }
    }
}
