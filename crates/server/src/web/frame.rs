//! What is around every page: where one can go, what is shown and how far it is verified.

mod menus;
mod pill;

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    address::Address,
    assets,
    document::Document,
    fault,
    glyph::glyph,
    text::{bdi, label},
    visit::{Taste, Visit},
};
use crate::{keys::Scope, problem::Problem};

pub(super) use menus::seal;

/// How long a page waits for its body before it begins to leave.
const AT_ONCE: Duration = Duration::from_millis(10);
/// Stands for the body until it is known. What events say is escaped, so that it is nowhere else.
const BODY: &str = "<!--body-->";

/// Drawn in the page, where it is there at once.
const LOGO: &str = include_str!("../../assets/favicon.svg");

/// Pages of the sidebar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nav {
    Observe,
    Events,
    Jobs,
    Agents,
    Integrity,
    Export,
    Guide,
    Settings,
}

/// What the frame has to know of a page.
#[derive(Default)]
pub(super) struct Frame<'a> {
    /// Which entry of the sidebar it belongs to.
    pub(super) current: Option<Nav>,
    pub(super) title: &'a str,
    /// Names and addresses of the pages above it.
    pub(super) above: Vec<(&'a str, Address)>,
    /// Whether the page shows a span of time that can be chosen.
    pub(super) has_period: bool,
    pub(super) shape: Shape,
}

/// How a page lies in the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    #[default]
    Padded,
    /// The page pads its own panes.
    Flush,
    /// So it does, the sidebar makes room, and links load whole pages: its policy is its own.
    Alone,
}

impl<'a> Frame<'a> {
    pub(super) fn titled(title: &'a str) -> Self {
        Self {
            title,
            ..Self::default()
        }
    }

    pub(super) fn of(current: Nav) -> Self {
        Self {
            current: Some(current),
            title: current.name(),
            ..Self::default()
        }
    }
}

impl Nav {
    const UPPER: [Self; 6] = [
        Self::Observe,
        Self::Events,
        Self::Jobs,
        Self::Agents,
        Self::Integrity,
        Self::Export,
    ];
    const LOWER: [Self; 2] = [Self::Guide, Self::Settings];
    /// On phones, with the rest behind one more.
    const DOCK: [Self; 4] = [Self::Observe, Self::Events, Self::Jobs, Self::Integrity];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Observe => "Observe",
            Self::Events => "Events",
            Self::Jobs => "Jobs",
            Self::Agents => "Agents",
            Self::Integrity => "Integrity",
            Self::Export => "Export",
            Self::Guide => "Guide",
            Self::Settings => "Settings",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Observe => "/",
            Self::Events => "/events",
            Self::Jobs => "/jobs",
            Self::Agents => "/agents",
            Self::Integrity => "/integrity",
            Self::Export => "/export",
            Self::Guide => "/guide",
            Self::Settings => "/settings",
        }
    }

    fn glyph(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Events => "events",
            Self::Jobs => "jobs",
            Self::Agents => "agents",
            Self::Integrity => "integrity",
            Self::Export => "export",
            Self::Guide => "guide",
            Self::Settings => "settings",
        }
    }

    /// Whether somebody's scopes open it.
    fn is_for(self, visit: &Visit) -> bool {
        self != Self::Export || visit.has(Scope::Export)
    }

    fn item(self, visit: &Visit, current: Option<Self>) -> Markup {
        html! {
            li {
                a.item href=(visit.address.to(self.path())) title=(self.name())
                    aria-current=[(current == Some(self)).then_some("page")]
                { (glyph(self.glyph())) span { (self.name()) } }
            }
        }
    }
}

/// A page for somebody who is signed in.
pub(super) fn page(visit: &Visit, frame: &Frame<'_>, body: &Markup) -> Markup {
    let trail = visit.caller.trail_id().as_str();
    let title = format!("{} · {trail} · Indelible", label(frame.title));
    let is_folded = visit.taste.is_folded || frame.shape == Shape::Alone;
    let content = html! {
        div #app.app.folded[is_folded] {
            nav #side.side aria-label="Main" {
                a.brand href=(visit.address.to("/")) title="Indelible" { (logo()) span { "Indelible" } }
                ul {
                    @for nav in Nav::UPPER {
                        @if nav.is_for(visit) { (nav.item(visit, frame.current)) }
                    }
                }
                ul.low { @for nav in Nav::LOWER { (nav.item(visit, frame.current)) } }
                (menus::me(visit))
            }
            header #top.top {
                (crumbs(visit, frame))
                @if frame.has_period { (menus::period(visit)) }
                (menus::zone(visit))
                a.tool href={ (visit.address.to("/events")) "#filter" } data-search aria-label="Search events" { (glyph("search")) }
                (pill::pill(visit))
            }
            main #main.main.flush[frame.shape != Shape::Padded] tabindex="-1" { (body) }
            (dock(visit, frame.current))
        }
        (menus::keys(visit))
    };
    document(
        &visit.taste,
        &title,
        Some(frame.shape != Shape::Alone),
        &content,
    )
}

/// A page whose body is read from the log. One that is not there at once begins to leave without it, so that the browser has
/// the frame and fetches what that needs; what fails then is said in the page.
pub(super) async fn answer(
    visit: &Visit,
    frame: &Frame<'_>,
    body: impl Future<Output = Result<Markup, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let mut body = Box::pin(body);
    if let Ok(body) = tokio::time::timeout(AT_ONCE, &mut body).await {
        return Ok(Document::ok(page(visit, frame, &body?)).into_response());
    }
    let mark = PreEscaped(BODY.to_owned());
    let whole = page(visit, frame, &mark).into_string();
    let (start, end) = whole.split_once(BODY).unwrap_or((&whole, ""));
    let (start, end) = (start.to_owned(), end.to_owned());
    let (here, request_id) = (visit.address.clone(), visit.request_id.clone());
    let rest = async move {
        let body = body.await;
        let body = body.unwrap_or_else(|problem| fault::card(Some(&here), &problem, &request_id));
        body.into_string() + &end
    };
    Ok(Document::flowing(start, rest).into_response())
}

/// A page for somebody who is not.
pub(super) fn bare(taste: &Taste, title: &str, body: &Markup) -> Markup {
    let content = html! {
        div #app.bare { main #main.main tabindex="-1" { (body) } }
    };
    document(taste, &format!("{title} · Indelible"), None, &content)
}

/// `swaps` tells whether links are swapped in place; none for a page without a script for that.
fn document(taste: &Taste, title: &str, swaps: Option<bool>, content: &Markup) -> Markup {
    // Links and forms are swapped in place by htmx; without it they are links and forms.
    let boost = "swap:\"outerMorph show:none\" target:\"#app\" select:\"#app\"";
    let config = r#"{"includeIndicatorCSS":false,"defaultTimeout":30000}"#;
    let keys = if taste.has_no_keys { "off" } else { "on" };
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[taste.theme.map(super::visit::Theme::as_str)] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="htmx-config" content=(config);
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(assets::url("favicon.svg"));
                link rel="stylesheet" href=(assets::url("app.css"));
                @if swaps.is_some() {
                    script src=(assets::url("htmx.js")) defer {}
                }
                @for module in assets::MODULES { link rel="modulepreload" href=(assets::url(module)); }
                script src=(assets::url("js/app.js")) type="module" {}
            }
            body hx-boost:inherited=[swaps.filter(|swaps| *swaps).map(|_| boost)] hx-indicator:inherited="#main"
                data-keys=(keys) data-zone=[taste.has_zone.then_some("known")]
            {
                a.skip href="#main" { "Skip to the content" }
                (content)
                div #toasts.toasts role="status" {}
            }
        }
    }
}

pub(super) fn logo() -> Markup {
    let shapes = LOGO.split_once('>').map_or("", |(_, shapes)| shapes);
    let shapes = shapes.trim_end().trim_end_matches("</svg>");
    html! { svg.logo width="22" height="22" viewBox="0 0 32 32" aria-hidden="true" { (PreEscaped(shapes)) } }
}

fn crumbs(visit: &Visit, frame: &Frame<'_>) -> Markup {
    html! {
        div.crumbs {
            (menus::trail(visit))
            span.bar {}
            nav aria-label="Path" {
                ol {
                    @for (name, address) in &frame.above {
                        li { a href=(address) { (bdi(name)) } span.dim aria-hidden="true" { "/" } }
                    }
                    li { span.here.cut aria-current="page" { (bdi(frame.title)) } }
                }
            }
        }
    }
}

fn dock(visit: &Visit, current: Option<Nav>) -> Markup {
    html! {
        nav.dock aria-label="Main" {
            @for nav in Nav::DOCK {
                a href=(visit.address.to(nav.path())) aria-current=[(current == Some(nav)).then_some("page")] {
                    (glyph(nav.glyph())) (nav.name())
                }
            }
            (menus::rest(visit, current, &[Nav::Agents, Nav::Export, Nav::Guide, Nav::Settings]))
        }
    }
}
