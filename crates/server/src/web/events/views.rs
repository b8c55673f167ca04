//! Saving and removing views.

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    app::{App, blocking},
    problem::{Code, Problem},
    web::{access::see_other, address, form::Form, visit::Visit},
};

/// `POST /views`
pub(in super::super) async fn save(
    State(app): State<Arc<App>>,
    visit: Visit,
    form: Form,
) -> Result<Response, Problem> {
    let name = form.get("name").unwrap_or("").trim().to_owned();
    let address = form
        .get("address")
        .and_then(address::local)
        .unwrap_or("")
        .to_owned();
    let next = next(&form);
    if name.is_empty() || name.chars().count() > 80 {
        return Err(Problem::member(
            Code::InvalidBody,
            "name",
            "1 to 80 characters",
        ));
    }
    if !address.starts_with("/events") {
        return Err(Problem::member(
            Code::InvalidBody,
            "address",
            "a page of events",
        ));
    }
    let key = Arc::clone(&visit.caller.key);
    blocking(move || Ok(app.node().views().save(&key, name, address)?)).await?;
    Ok(see_other(&next))
}

/// `POST /views/remove`
pub(in super::super) async fn remove(
    State(app): State<Arc<App>>,
    visit: Visit,
    form: Form,
) -> Result<Response, Problem> {
    let id = form.get("id").unwrap_or("").to_owned();
    let next = next(&form);
    let trail = visit.caller.trail_id().clone();
    blocking(move || Ok(app.node().views().remove(&trail, &id)?)).await?;
    Ok(see_other(&next))
}

fn next(form: &Form) -> String {
    form.get("next")
        .and_then(address::local)
        .unwrap_or("/events")
        .to_owned()
}
