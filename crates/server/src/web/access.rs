//! Who gets to a page: somebody who is signed in, or whoever asks for one that says nothing of a trail.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::{
    Method, StatusCode, Uri,
    header::{ACCEPT_ENCODING, HeaderValue, LOCATION},
    http::uri::PathAndQuery,
};

use super::{
    document::Document,
    fault,
    visit::{Taste, Visit},
};
use crate::{
    app::App,
    body,
    keys::Scope,
    problem::{Code, Problem},
    serve::RequestId,
};

/// A page, as the figures of the server name it.
#[derive(Clone, Copy)]
pub(crate) struct PagePath(pub(crate) &'static str);

/// What the guard of a page works with.
#[derive(Clone)]
pub(super) struct Guarded {
    pub(super) app: Arc<App>,
    pub(super) path: PagePath,
    /// Whether nobody has to be signed in.
    pub(super) is_open: bool,
}

/// Lets a request through to its page, with its [`Visit`], or leads to the sign-in and back; and puts the page's headers
/// to the answer.
pub(super) async fn guard(
    State(guarded): State<Guarded>,
    request: Request,
    next: Next,
) -> Response {
    let accept = request.headers().get(ACCEPT_ENCODING).cloned();
    let accept = HeaderMap::from_iter(accept.map(|value| (ACCEPT_ENCODING, value)));
    let (mut parts, body) = request.into_parts();
    let visit = Visit::read(&guarded.app, &parts);
    let looks = Looks {
        taste: Taste::of(&parts.headers),
        request_id: RequestId::of(&parts.extensions),
        visit: visit.clone(),
    };
    let answer = match admit(&guarded, visit) {
        Ok(Some(visit)) => {
            parts.extensions.insert(visit);
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(None) if guarded.is_open => next.run(Request::from_parts(parts, body)).await,
        Ok(None) => {
            refuse(body).await;
            to_sign_in(&parts.method, &parts.uri)
        }
        Err(problem) => {
            refuse(body).await;
            problem.into_response()
        }
    };
    finish(&guarded, &looks, answer, &accept)
}

/// Who sees the answer.
struct Looks {
    taste: Taste,
    request_id: String,
    visit: Option<Visit>,
}

fn admit(guarded: &Guarded, visit: Option<Visit>) -> Result<Option<Visit>, Problem> {
    let Some(visit) = visit.filter(|_| !guarded.is_open) else {
        return Ok(None);
    };
    if !visit.has(Scope::Read) {
        let detail = "the key may not read: it needs scope read";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    Ok(Some(visit))
}

/// A client that is still sending would see a reset connection instead of the answer.
async fn refuse(rest: Body) {
    body::discard(rest).await;
}

/// To the sign-in, which leads back to a page as it was asked for; a form that was sent is not sent again.
fn to_sign_in(method: &Method, uri: &Uri) -> Response {
    let asked = uri.path_and_query().filter(|_| *method == Method::GET);
    let back = asked.map_or(uri.path(), PathAndQuery::as_str);
    let mut query = form_urlencoded::Serializer::new(String::new());
    if back != "/" {
        query.append_pair("next", back);
    }
    let query = query.finish();
    let question = if query.is_empty() { "" } else { "?" };
    see_other(&format!("/sign-in{question}{query}"))
}

/// Leads somewhere else with a GET. What is no header value leads to the start.
pub(super) fn see_other(path: &str) -> Response {
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
}

fn finish(guarded: &Guarded, looks: &Looks, mut answer: Response, accept: &HeaderMap) -> Response {
    let extensions = answer.extensions_mut();
    let document = match extensions.remove::<Problem>() {
        Some(problem) => {
            let document = fault::page(
                looks.visit.as_ref(),
                &looks.taste,
                &problem,
                &looks.request_id,
            );
            Some(document)
        }
        None => extensions.remove::<Document>(),
    };
    if let Some(document) = document {
        let page = document.answer(accept);
        let kept = answer.headers().clone();
        answer = page;
        for (name, value) in &kept {
            if !answer.headers().contains_key(name) || name == hyper::header::SET_COOKIE {
                answer.headers_mut().append(name.clone(), value.clone());
            }
        }
    }
    answer.extensions_mut().insert(guarded.path);
    answer
}
