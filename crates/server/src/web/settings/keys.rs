//! Keys of programs.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    super::{clock::tag, frame::seal, glyph::glyph, text::bdi, visit::Visit},
    ends,
};
use crate::keys::{Key, Scope};

/// Scopes that are offered, with what they allow.
const SCOPES: [(Scope, &str); 6] = [
    (Scope::Ingest, "record events"),
    (Scope::Gateway, "record events that vouch for actors"),
    (Scope::Read, "read records"),
    (Scope::Content, "read contents"),
    (Scope::Export, "export"),
    (Scope::Admin, "manage keys"),
];

pub(super) fn card(visit: &Visit, all: &[Arc<Key>]) -> Markup {
    let keys: Vec<&Arc<Key>> = all.iter().filter(|key| key.role.is_none()).collect();
    html! {
        section.card.lined aria-labelledby="keys" {
            header { h2 #keys { "Keys of programs" } span.end { "each opens this trail, for what its scopes say" } }
            div.scroll.tall { table.table.stacked {
                thead { tr { th { "Name" } th { "Scopes" } th { "Only project" } th { "Made" } th { "Until" } th.num { span.sr { "Actions" } } } }
                tbody { @for key in &keys { (row(visit, key)) } }
            } }
            details.add {
                summary.line { (glyph("plus")) "Make a key" }
                form.inline-form method="post" action="/settings/keys" {
                    (seal(visit))
                    div.field { label.label for="key-name" { "Name" } input.input #key-name name="name" required maxlength="80" autocomplete="off" placeholder="ci"; }
                    div.field { label.label for="key-project" { "Only project" } input.input #key-project name="project" maxlength="256" placeholder="all"; }
                    div.field { label.label for="key-until" { "Until" } input.input #key-until name="expires" type="date"; }
                    fieldset.scopes {
                        legend.label { "Scopes" }
                        @for (scope, what) in SCOPES {
                            label.check { input type="checkbox" name="scope" value=(scope.as_str()) checked[scope == Scope::Ingest]; code { (scope.as_str()) } span.dim { (what) } }
                        }
                    }
                    button.btn.primary { "Make" }
                }
            }
        }
    }
}

fn row(visit: &Visit, key: &Key) -> Markup {
    let day = |micros: event::Micros| {
        let us = i64::try_from(micros.0).unwrap_or(i64::MAX);
        tag(us, &visit.clock.date(us))
    };
    html! {
        tr.ended[key.revoked_at.is_some()] {
            td { span.medium { (bdi(&key.name)) } @if key.id == visit.caller.key.id { " " span.dim { "yours" } } div.small.dim { code { (key.id) } } }
            td data-name="Scopes" { @for scope in key.scopes.iter() { code.scope { (scope.as_str()) } " " } }
            td.soft data-name="Only project" { @match &key.project { Some(project) => (bdi(project)), None => "all" } }
            td.soft data-name="Made" { (day(key.created_at)) }
            td.soft data-name="Until" { @match (key.revoked_at, key.expires_at) { (Some(at), _) => { "ended " (day(at)) }, (None, Some(at)) => (day(at)), _ => "–" } }
            td.num { @if key.revoked_at.is_none() { div.line.tight.end-line { (ends(visit, &key.id, &key.name, "Revoke")) } } }
        }
    }
}
