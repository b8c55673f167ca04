//! Settings: people, keys, and what models cost.

mod embedding;
mod keys;
mod people;
mod prices;

pub(super) use embedding::set as set_embedding;
use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use super::{
    access::see_other,
    document::Document,
    form::Form,
    frame::{self, Frame, Nav},
    glyph::glyph,
    text::bdi,
    visit::Visit,
};
use crate::{
    api::keys::{self as key_api, NewKey},
    app::{App, blocking},
    keys::{Role, Scope, Scopes},
    problem::{Code, Problem},
};

/// Something that was made and is shown once.
struct Made {
    name: String,
    key: Option<String>,
    link: Option<String>,
}

/// `GET /settings`
pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    show(&app, &visit, None).await
}

async fn show(app: &Arc<App>, visit: &Visit, made: Option<Made>) -> Result<Response, Problem> {
    let engine = visit.engine(app);
    let filter = super::selected::Selected::of(visit).within(event::filter::Filter::all());
    let models = app
        .read(move || prices::find(&engine.snapshot()?, filter))
        .await?;
    let body = html! {
        h1 { "Settings" }
        div.page.settings {
            @if let Some(made) = &made { (once(visit, made)) }
            @if visit.has(Scope::Admin) {
                @let all = key_api::managed(app, &visit.caller);
                (people::card(visit, &all))
                (keys::card(visit, &all))
                @if visit.caller.project().is_none() { (embedding::card(app, visit)) }
            } @else {
                section.card { div.body.padded { p.line { (glyph("lock")) "People and keys are managed by an admin of the trail." } } }
            }
            (prices::card(visit, &models))
        }
    };
    Ok(Document::ok(frame::page(visit, &Frame::of(Nav::Settings), &body)).into_response())
}

/// `POST /settings/keys`: makes a key, or a person's.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    visit: Visit,
    form: Form,
) -> Result<Response, Problem> {
    admin(&visit)?;
    let text = |name| {
        form.get(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
    };
    let role = form.get("role").and_then(Role::from_name);
    let scopes: Vec<Scope> = form
        .all("scope")
        .filter_map(|name| Scope::ALL.into_iter().find(|scope| scope.as_str() == name))
        .collect();
    let new = NewKey {
        name: text("name").unwrap_or_default(),
        scopes: (role.is_none() && !scopes.is_empty()).then(|| Scopes::from_iter(scopes)),
        role,
        project: text("project"),
        expires_at: text("expires")
            .and_then(|text| visit.clock.local(&text))
            .map(super::clock::rfc3339),
    };
    let wants_link = role.is_some();
    let (caller, maker) = (visit.caller.clone(), Arc::clone(&app));
    let made = blocking(move || {
        let (key, text) = key_api::make(&maker, &caller, new)?;
        let link = wants_link
            .then(|| key_api::link_of(&maker, &caller, &key.id))
            .transpose()?;
        Ok(Made {
            name: key.name.clone(),
            key: Some(text),
            link,
        })
    })
    .await?;
    show(&app, &visit, Some(made)).await
}

/// `POST /settings/link`: a link that signs a person in once.
pub(super) async fn link(
    State(app): State<Arc<App>>,
    visit: Visit,
    form: Form,
) -> Result<Response, Problem> {
    admin(&visit)?;
    let id = form.get("id").unwrap_or("").to_owned();
    let (caller, maker) = (visit.caller.clone(), Arc::clone(&app));
    let made = blocking(move || {
        let all = key_api::managed(&maker, &caller);
        let name = all
            .iter()
            .find(|key| key.id == id)
            .map_or_else(String::new, |key| key.name.clone());
        let link = key_api::link_of(&maker, &caller, &id)?;
        Ok(Made {
            name,
            key: None,
            link: Some(link),
        })
    })
    .await?;
    show(&app, &visit, Some(made)).await
}

/// `POST /settings/revoke`: ends a key for good.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    visit: Visit,
    form: Form,
) -> Result<Response, Problem> {
    admin(&visit)?;
    let id = form.get("id").unwrap_or("").to_owned();
    let caller = visit.caller.clone();
    blocking(move || key_api::end(&app, &caller, &id)).await?;
    Ok(see_other("/settings"))
}

fn admin(visit: &Visit) -> Result<(), Problem> {
    if visit.has(Scope::Admin) {
        return Ok(());
    }
    Err(Problem::new(
        Code::InsufficientScope,
        "only an admin of the trail manages people and keys",
    ))
}

/// What is never shown again.
fn once(visit: &Visit, made: &Made) -> Markup {
    html! {
        div.alert.ok role="status" {
            (glyph("key"))
            div.col.tight.grow {
                p { strong { (bdi(&made.name)) } ": " @if made.key.is_some() { "copy this now, it is not shown again." } @else { "this link signs in once, within a day." } }
                @if let Some(link) = &made.link {
                    div.copy { input.input #made-link readonly value=(link) data-absolute aria-label="Link that signs in once";
                        button.btn.icon type="button" data-copy="#made-link" aria-label="Copy the link" { (glyph("copy")) } }
                }
                @if let Some(key) = &made.key {
                    div.copy { input.input #made-key readonly value=(key) aria-label="Key";
                        button.btn.icon type="button" data-copy="#made-key" aria-label="Copy the key" { (glyph("copy")) } }
                }
                p.small.dim { "It opens trail " (visit.caller.trail_id()) " and no other." }
            }
        }
    }
}

/// A form of one button that asks once more and names what it ends.
fn ends(visit: &Visit, id: &str, name: &str, word: &str) -> Markup {
    html! {
        details.menu data-menu {
            summary.btn.small.danger { (word) }
            div.sheet {
                p.note { "End " strong { (bdi(name)) } "? Whoever uses it is refused at once, and it cannot be undone." }
                form method="post" action="/settings/revoke" {
                    (frame::seal(visit)) input type="hidden" name="id" value=(id);
                    button.btn.danger.wide { (word) " " (bdi(name)) }
                }
            }
        }
    }
}
