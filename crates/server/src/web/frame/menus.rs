//! Menus of the frame. Each is a `details` with links and forms, so that it works without a script.

use maud::{Markup, html};

use super::{
    super::{
        form,
        glyph::glyph,
        period::{CHOICES, Period},
        text::bdi,
        visit::{Theme, Visit},
    },
    Nav,
};
use crate::node::SAMPLE_TRAIL;

/// Zones that are offered by name; any other one can be written.
const ZONES: [&str; 14] = [
    "UTC",
    "America/Los_Angeles",
    "America/Chicago",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Africa/Johannesburg",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
];

/// The key map: what it says and what it takes.
const KEYS: [(&str, &[&str]); 15] = [
    ("Filter", &["/"]),
    ("Next row, row before", &["j", "k"]),
    ("Open the row", &["Enter"]),
    ("Close", &["Esc"]),
    ("Event before and after, of those listed", &["[", "]"]),
    ("Include or exclude a value", &["x", "X"]),
    ("Time range", &["t"]),
    ("Live", &["l"]),
    ("Proof", &["p"]),
    ("Replay", &["r"]),
    ("Copy the link", &["y"]),
    ("Observe, Events, Jobs", &["g o", "g e", "g j"]),
    ("Agents, Integrity", &["g a", "g i"]),
    ("Sidebar", &["\\"]),
    ("These keys", &["?"]),
];

/// The hidden field that every form of a session has.
pub(in super::super) fn seal(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(form::SEAL) value=(visit.seal); }
}

pub(super) fn trail(visit: &Visit) -> Markup {
    let trail = &visit.caller.trail;
    let is_sample = trail.id().as_str() == SAMPLE_TRAIL;
    html! {
        details.menu.left data-menu {
            summary.tool.trail {
                span.named { span.cut { (trail.id()) } @if is_sample { span.sample { "Sample data" } } }
                (glyph("down"))
            }
            div.sheet {
                @if is_sample { p.note { "Made up by " code { "indelible demo" } ": nobody did any of this." } }
                p.note { "Trail " strong { (trail.id()) } br; code.wrap { (trail.origin()) } }
                @if let Some(project) = visit.caller.project() {
                    p.note { "You see project " (bdi(project)) " only." }
                }
                hr;
                p.note { "A session belongs to one trail. Another one opens with its own key." }
                (sign_out(visit, "Sign in to another trail"))
            }
        }
    }
}

pub(super) fn period(visit: &Visit) -> Markup {
    let period = Period::of(visit);
    let here = visit.address.without(&["after", "before", "at"]);
    html! {
        details.menu #period-menu data-menu data-period {
            summary.tool { (glyph("clock")) span { (period.label) } (glyph("down")) }
            div.sheet {
                @for choice in CHOICES {
                    a.choice href=(here.with("from", choice.from).with("to", ""))
                        aria-current=[(period.is_choice(choice)).then_some("true")]
                    { (choice.name) }
                }
                hr;
                form.own method="get" action=(here.path()) {
                    @for (name, value) in here.rest(&["from", "to"]) {
                        input type="hidden" name=(name) value=(value);
                    }
                    div.field { label.small.dim for="own-from" { "From" }
                        input.input #own-from type="datetime-local" name="from" value=[period.from_us.map(|us| visit.clock.input(us))]; }
                    div.field { label.small.dim for="own-to" { "To, not included" }
                        input.input #own-to type="datetime-local" name="to" value=[period.to_us.map(|us| visit.clock.input(us))]; }
                    button.btn type="submit" { "Show" }
                }
            }
        }
    }
}

pub(super) fn zone(visit: &Visit) -> Markup {
    let here = &visit.address;
    html! {
        details.menu data-menu {
            summary.tool { (glyph("globe")) span.word { (visit.clock.name()) } span.sr { "Time zone" } }
            div.sheet {
                a.choice data-own-zone hidden href=(here) { "This browser" span.end {} }
                @for zone in [visit.clock.name(), "UTC"] {
                    @if zone == "UTC" && visit.clock.name() == "UTC" {}
                    @else {
                        a.choice href=(here.with("tz", zone)) aria-current=[(zone == visit.clock.name()).then_some("true")] { (zone) }
                    }
                }
                hr;
                form.own method="get" action=(here.path()) {
                    @for (name, value) in here.rest(&["tz"]) {
                        input type="hidden" name=(name) value=(value);
                    }
                    div.field { label.small.dim for="zone" { "Another one" }
                        input.input #zone name="tz" list="zones" placeholder="Europe/Berlin" autocomplete="off"; }
                    datalist #zones { @for zone in ZONES { option value=(zone) {} } }
                    button.btn type="submit" { "Show" }
                }
                p.note { "Point at a time to see it in UTC. Exports are in UTC." }
            }
        }
    }
}

pub(super) fn me(visit: &Visit) -> Markup {
    let key = &visit.caller.key;
    let role = key.role.map_or("key", crate::keys::Role::as_str);
    html! {
        div.me {
            details.menu.up data-menu {
                summary title=(super::super::text::label(&key.name)) {
                    span.avatar aria-hidden="true" { (initials(&key.name)) }
                    span.name.cut { (bdi(&key.name)) }
                    span.sr { "Your account" }
                }
                div.sheet {
                    p.note { (bdi(&key.name)) ", " (role) " of " (visit.caller.trail_id()) }
                    hr;
                    (tastes(visit))
                    hr;
                    (sign_out(visit, "Sign out"))
                }
            }
        }
    }
}

/// What is not in the bar of a phone.
pub(super) fn rest(visit: &Visit, current: Option<Nav>, navs: &[Nav]) -> Markup {
    html! {
        details.menu.up data-menu {
            summary { (glyph("menu")) "More" }
            div.sheet {
                @for nav in navs.iter().filter(|nav| nav.is_for(visit)) {
                    a.choice href=(visit.address.to(nav.path())) aria-current=[(current == Some(*nav)).then_some("true")] {
                        (glyph(nav.glyph())) (nav.name())
                    }
                }
                hr;
                (tastes(visit))
                hr;
                (sign_out(visit, "Sign out"))
            }
        }
    }
}

fn tastes(visit: &Visit) -> Markup {
    let taste = &visit.taste;
    let themes = [
        ("As the system", ""),
        ("Light", Theme::Light.as_str()),
        ("Dark", Theme::Dark.as_str()),
    ];
    let chosen = taste.theme.map_or("", Theme::as_str);
    html! {
        form method="post" action="/taste" hx-boost="false" {
            (seal(visit))
            input type="hidden" name="next" value=(visit.address);
            @for (name, value) in themes {
                button.choice name="theme" value=(value) aria-current=[(chosen == value).then_some("true")] {
                    (glyph("theme")) (name)
                }
            }
            hr;
            @let (fold, word) = if taste.is_folded { ("", "Wide sidebar") } else { ("1", "Narrow sidebar") };
            button.choice data-fold name="fold" value=(fold) { (glyph("fold")) (word) }
            @let (keys, word) = if taste.has_no_keys { ("", "Turn single keys on") } else { ("0", "Turn single keys off") };
            button.choice name="keys" value=(keys) { (glyph("keyboard")) (word) }
        }
    }
}

fn sign_out(visit: &Visit, word: &str) -> Markup {
    html! {
        form method="post" action="/sign-out" hx-boost="false" {
            (seal(visit))
            button.choice { (glyph("leave")) (word) }
        }
    }
}

/// The key map, opened by `?`.
pub(super) fn keys(visit: &Visit) -> Markup {
    html! {
        dialog #keymap.overlay aria-labelledby="keymap-title" {
            header { h2 #keymap-title { "Keys" }
                form method="dialog" { button.btn.icon.ghost aria-label="Close" { (glyph("close")) } } }
            div.body {
                ul.keymap {
                    @for (what, keys) in KEYS {
                        li { span.keys { @for key in keys { kbd.keycap { (key) } " " } } span { (what) } }
                    }
                }
                @if visit.taste.has_no_keys { p.dim { "Single keys are off. Your account's menu turns them on." } }
            }
        }
    }
}

/// The first letters of a name's first and last word.
fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let ends = [words.first(), words.last().filter(|_| words.len() > 1)];
    let letters = ends
        .iter()
        .flatten()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    letters.flat_map(char::to_uppercase).take(2).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::super::address::Address, *};

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        for (name, letters) in [
            ("Jana Okafor", "JO"),
            ("admin", "A"),
            ("", ""),
            ("a b c", "AC"),
            ("<x>", "X"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn a_choice_of_time_starts_at_the_first_page() {
        let here = Address::read(&"/events?q=a&after=x&from=-1h".parse().unwrap());
        let link = here.without(&["after"]).with("from", "-3d");
        assert_eq!(link.to_string(), "/events?q=a&from=-3d");
    }
}
