//! People of a trail and their roles.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    super::{clock::tag, frame::seal, glyph::glyph, text::bdi, visit::Visit},
    ends,
};
use crate::keys::{Key, Role};

const ROLES: [(Role, &str); 4] = [
    (Role::Viewer, "sees records and figures"),
    (Role::Auditor, "also sees contents, and exports"),
    (
        Role::Operator,
        "sees records, and decides what waits for a person",
    ),
    (Role::Admin, "also manages people and keys"),
];

pub(super) fn card(visit: &Visit, all: &[Arc<Key>]) -> Markup {
    let people: Vec<&Arc<Key>> = all
        .iter()
        .filter(|key| key.role.is_some() && key.revoked_at.is_none())
        .collect();
    html! {
        section.card.lined aria-labelledby="people" {
            header { h2 #people { "People" } span.end { "sign in with a key or a link, and see this trail" } }
            @if people.is_empty() { div.empty { p.dim { "Nobody but holders of keys signs in yet." } } }
            @else { div.scroll.tall { table.table.stacked {
                thead { tr { th { "Name" } th { "Role" } th { "Only project" } th { "Since" } th { "Until" } th.num { span.sr { "Actions" } } } }
                tbody { @for person in &people { (row(visit, person)) } }
            } } }
            details.add open[people.is_empty()] {
                summary.line { (glyph("plus")) "Add somebody" }
                form.inline-form method="post" action="/settings/keys" {
                    (seal(visit))
                    div.field { label.label for="person-name" { "Name" } input.input #person-name name="name" required maxlength="80" autocomplete="off"; }
                    div.field { label.label for="person-role" { "Role" }
                        select.input #person-role name="role" { @for (role, what) in ROLES { option value=(role.as_str()) { (role.as_str()) ": " (what) } } } }
                    div.field { label.label for="person-project" { "Only project" } input.input #person-project name="project" maxlength="256" placeholder="all"; }
                    div.field { label.label for="person-until" { "Until" } input.input #person-until name="expires" type="date"; }
                    button.btn.primary { "Add" }
                }
            }
        }
    }
}

fn row(visit: &Visit, person: &Key) -> Markup {
    let role = person.role.map_or("", Role::as_str);
    let day = |micros: event::Micros| {
        let us = i64::try_from(micros.0).unwrap_or(i64::MAX);
        tag(us, &visit.clock.date(us))
    };
    let is_me = person.id == visit.caller.key.id;
    html! {
        tr {
            td { span.medium { (bdi(&person.name)) } @if is_me { " " span.dim { "you" } } div.small.dim { code { (person.id) } } }
            td data-name="Role" { span.tag { (role) } }
            td.soft data-name="Only project" { @match &person.project { Some(project) => (bdi(project)), None => "all" } }
            td.soft data-name="Since" { (day(person.created_at)) }
            td.soft data-name="Until" { @match person.expires_at { Some(at) => (day(at)), None => "–" } }
            td.num { div.line.tight.end-line {
                form method="post" action="/settings/link" { (seal(visit)) input type="hidden" name="id" value=(person.id); button.btn.small { (glyph("link")) "Sign-in link" } }
                (ends(visit, &person.id, &person.name, "Remove"))
            } }
        }
    }
}
