//! What an event says, in words.

use event::{ActorAuth, RecordView};
use maud::{Markup, html};

use super::{Detail, base, recorded, withheld};
use crate::web::{
    address::segment,
    clock::{tag, utc},
    content,
    glyph::small,
    json,
    number::{about, duration, grouped, money},
    proof,
    text::{self, Hostile, bdi},
    visit::Visit,
};

pub(super) fn page(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    html! {
        (proof::verdict(&detail.checks, detail.event.seq.0, &utc(recorded(record))))
        (facts(visit, record))
        (input(visit, detail, record))
        @if let Some(meta) = record.meta {
            section.panel { header { h3 { "Meta" } } (json::panel(meta, &format!("/events/{}/record", detail.event.seq))) }
        }
    }
}

/// Who, on whose order, who let it, what, when, at what cost.
pub(in super::super::super) fn facts(visit: &Visit, record: &RecordView<'_>) -> Markup {
    let clock = &visit.clock;
    let job = record.job.as_deref();
    html! {
        dl.facts {
            dt { "Who" } dd { (who(record)) }
            @if let Some(initiator) = &record.initiator {
                dt { "Asked by" }
                dd { span.medium { (bdi(initiator.name.as_deref().or(initiator.id.as_deref()).unwrap_or("–"))) }
                    @if let Some(kind) = &initiator.kind { " " span.dim { (bdi(kind)) } } }
            }
            dt { "Approved by" } dd { (approval(record)) }
            dt { "What" } dd { code.wrap { (bdi(&record.action)) } }
            @if let Some(resource) = &record.resource {
                dt { "Resource" }
                dd {
                    @if let Some(kind) = &resource.kind { span.dim { (bdi(kind)) " " } }
                    @if let Some(id) = &resource.id { code.wrap { (bdi(id)) } }
                    @if let Some(name) = &resource.name { br; span.soft.wrap { (bdi(name)) } }
                }
            }
            @if let Some(description) = &record.description { dt { "Says" } dd { bdi { (Hostile(description, text::LONG)) } } }
            dt { "Happened" }
            dd { (tag(record.time_us, &format!("{} {}", clock.day(record.time_us), clock.exact(record.time_us)))) " " span.dim { "claimed by " (claimant(record)) } }
            dt { "Recorded" }
            dd { (tag(recorded(record), &format!("{} {}", clock.day(recorded(record)), clock.exact(recorded(record))))) " " span.dim { "by the server" } }
            @if let Some(took) = record.duration_us { dt { "Took" } dd { (duration(took)) } }
            @if let Some(project) = &record.project { dt { "Project" } dd { (bdi(project)) } }
            @if let Some(job) = job { dt { "Job" } dd { a href=(visit.address.to(format!("/jobs/{}", segment(job)))) { (bdi(job)) } } }
            dt { "Tokens, cost" } dd { (usage(record)) }
            @if let Some(producer) = &record.producer { dt { "Producer" } dd { (numbered(producer)) } }
            @if let Some(via) = &record.via {
                dt { "Came in" }
                dd.soft { @if let Some(key) = &via.key { "with key " code { (bdi(key)) } " " } @if let Some(ip) = &via.ip { "from " code { (bdi(ip)) } } }
            }
            dt { "Id" } dd { code.wrap { (bdi(&record.id)) } }
        }
    }
}

fn who(record: &RecordView<'_>) -> Markup {
    let actor = &record.actor;
    html! {
        span.medium { (bdi(actor.name.as_deref().unwrap_or(&actor.id))) }
        " " span.dim { (bdi(&actor.kind))
            @if actor.name.is_some() { " · " (bdi(&actor.id)) }
            @if let Some(role) = &actor.role { " · " (bdi(role)) }
            @match actor.auth {
                Some(ActorAuth::Claimed) => " · claimed",
                Some(auth) => { " · by " (auth.as_str()) },
                None => {},
            }
            @if let Some(ip) = &actor.ip { " · " (bdi(ip)) }
        }
    }
}

fn approval(record: &RecordView<'_>) -> Markup {
    let Some(approval) = &record.approval else {
        return html! { span.dim { "nobody, no approval was asked for" } };
    };
    let is_denied = approval.decision.as_deref() == Some("denied");
    html! {
        @if is_denied { span.warn { (small("denied")) " denied by " } }
        span.medium { (bdi(approval.approver.as_deref().unwrap_or("–"))) }
        " " span.dim {
            @if let Some(waited) = approval.waited_us.filter(|waited| *waited > 0) { "after " (duration(waited)) " " }
            @if approval.rule.is_some() { "· rule " }
        }
        @if let Some(rule) = &approval.rule { code { (bdi(rule)) } }
        @if let Some(reason) = &approval.reason { br; span.soft { "“" (bdi(reason)) "”" } }
    }
}

fn claimant(record: &RecordView<'_>) -> Markup {
    let producer = record
        .producer
        .as_ref()
        .and_then(|producer| producer.id.as_deref());
    bdi(producer.unwrap_or(&record.actor.id))
}

fn usage(record: &RecordView<'_>) -> Markup {
    let Some(usage) = &record.usage else {
        return html! { span.dim { "none, not a model call" } };
    };
    let count = |tokens: Option<i64>| about(tokens.unwrap_or(0).into());
    html! {
        (count(usage.input_tokens)) " in, " (count(usage.output_tokens)) " out"
        @if let Some(cached) = usage.cache_read_tokens.filter(|cached| *cached > 0) { span.dim { " · " (about(cached.into())) " from cache" } }
        @if let Some(reasoning) = usage.reasoning_tokens.filter(|tokens| *tokens > 0) { span.dim { " · " (about(reasoning.into())) " reasoning" } }
        br;
        @match usage.cost_nanousd { Some(cost) => span.medium { (money(cost.into())) }, None => span.dim { "no known price" } }
        @if let Some(model) = &usage.model { span.dim { " · " (bdi(model)) @if let Some(provider) = &usage.provider { ", " (bdi(provider)) } } }
        @if let Some(prices) = &usage.prices { span.dim { " · prices " (bdi(prices)) } }
    }
}

fn numbered(producer: &event::Producer<'_>) -> Markup {
    html! {
        (bdi(producer.id.as_deref().unwrap_or("–")))
        @if let Some(seq) = producer.seq { " " span.dim { "number " (grouped(seq)) } }
        @if let Some(phase) = &producer.phase { " " span.dim { "· " (bdi(phase)) } }
        @if let Some(call) = &producer.call { br; code.dim.wrap { (bdi(call)) } }
    }
}

/// The beginning of what went in.
fn input(visit: &Visit, detail: &Detail, record: &RecordView<'_>) -> Markup {
    let Some(bytes) = &detail.event.content else {
        return html! {};
    };
    let link = visit.address.with("tab", "content");
    html! {
        section.panel {
            header.between { h3 { "Input" }
                a href=(link) hx-target="#drawer" hx-select="#drawer" hx-swap="outerMorph show:none" { "Open content" } }
            @if detail.sees_content {
                @let content = event::json::Value::new(std::str::from_utf8(bytes).unwrap_or(""));
                @match (content::member(content, "input"), content::member(content, "argv")) {
                    (Some(input), _) => (json::panel(input, &format!("{}/input", base(detail.event.seq)))),
                    (None, Some(argv)) => pre.code { bdi { (Hostile(&content::command_line(argv), text::LONG)) } },
                    (None, None) => p.dim.small { (bdi(record.content.as_ref().map_or("", |info| &info.kind))) },
                }
            } @else { (withheld(visit)) }
        }
    }
}
