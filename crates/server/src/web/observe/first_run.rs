//! What a trail shows before anybody recorded anything: one command, and a wait that ends by itself.

use maud::{Markup, html};

use crate::web::{
    glyph::{glyph, sized},
    visit::Visit,
};

/// `origin` is where the reader found this server.
pub(super) fn page(visit: &Visit, origin: &str) -> Markup {
    html! {
        section.first-run.card {
            div.waiting #waiting data-after=(visit.caller.trail.size().saturating_sub(1)) {
                (sized("v-pending", "g g24")) h1 { "Waiting for the first event" }
            }
            p.lede { "Run a command through Indelible and it appears here. The agent needs no code for it." }
            div.copy {
                pre.code #first-command { "indelible exec -- echo hello" }
                button.btn.icon type="button" data-copy="#first-command" aria-label="Copy the command" { (glyph("copy")) }
            }
            p.dim { "On this machine it finds the server and its key by itself. Elsewhere set "
                code { "INDELIBLE_URL=" (origin) } " and " code { "INDELIBLE_KEY" } " to a key with the scope ingest, from "
                a href=(visit.address.to("/settings")) { "Settings" } "." }
            details {
                summary.soft { "From a program, over HTTP" }
                div.copy {
                    pre.code #first-request { "curl " (origin) "/v1/events -H \"Authorization: Bearer $INDELIBLE_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"actor\":{\"id\":\"me\"},\"action\":\"hello\"}'" }
                    button.btn.icon type="button" data-copy="#first-request" aria-label="Copy the request" { (glyph("copy")) }
                }
            }
            p.dim { "Just looking? " code { "indelible demo" } " shows a trail of sample data, marked as such." }
        }
    }
}
