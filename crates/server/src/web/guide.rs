//! Guide: five short lessons, each ending in something to do, with questions and an acknowledgement that is recorded.

mod lessons;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use event::{
    RecordView, SystemEvent,
    filter::{self, TextField},
};
use lessons::{LESSONS, Lesson};
use maud::{Markup, html};
use query::{Order, Query, Snapshot, TimeRange};

use super::{
    access::see_other,
    clock::tag,
    document::Document,
    form::Form,
    frame::{self, Frame, Nav, seal},
    glyph::{glyph, small},
    number::count_of,
    visit::Visit,
};
use crate::{
    app::{App, blocking},
    audit,
    problem::Problem,
};

/// What the trail calls an acknowledged lesson.
const ACTION: &str = "guide.acknowledged";
/// Acknowledgements of one person that are looked at.
const MOST: usize = 200;

/// When which lesson was acknowledged, and where that is on record.
type Done = BTreeMap<String, (i64, u64)>;

/// `GET /guide`
pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let done = done(&app, &visit).await?;
    let count = LESSONS
        .iter()
        .filter(|lesson| done.contains_key(lesson.word))
        .count();
    let body = html! {
        header.between { div { h1 { "Guide" } p.soft { "Five short lessons. Each takes three minutes, and ends with something to do." } }
            span.tag.ok[count == LESSONS.len()] { (count) " of " (LESSONS.len()) " acknowledged" } }
        ol.lessons {
            @for (index, lesson) in LESSONS.iter().enumerate() {
                li.card {
                    span.step { (index + 1) }
                    div.grow { h2 { a.over.plain href=(address(lesson)) { (lesson.title) } } p.soft { (lesson.about) } }
                    @match done.get(lesson.word) {
                        Some((us, seq)) => span.line.small.soft { span.ok { (small("tick")) } "acknowledged " (tag(*us, &visit.clock.date(*us)))
                            a.above href=(visit.address.to("/events").without(&["from", "to"]).with("event", seq)) { "on record" } },
                        None => span.small.dim { (count_of(lesson.questions.len() as u64, "question", "questions")) },
                    }
                }
            }
        }
    };
    Ok(Document::ok(frame::page(&visit, &Frame::of(Nav::Guide), &body)).into_response())
}

/// `GET /guide/{lesson}`
pub(super) async fn lesson(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(word): Path<String>,
) -> Result<Response, Problem> {
    let lesson = find(&word)?;
    let done = done(&app, &visit).await?;
    Ok(show(&visit, lesson, &done, &[]))
}

/// `POST /guide/{lesson}`: answers to the questions; all right, the acknowledgement goes into the trail.
pub(super) async fn answer(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(word): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let lesson = find(&word)?;
    let answered = |index: usize| {
        form.get(&format!("q{index}"))
            .and_then(|text| text.parse::<usize>().ok())
    };
    let wrong: Vec<usize> = lesson
        .questions
        .iter()
        .enumerate()
        .filter(|(index, question)| answered(*index) != Some(question.right))
        .map(|(index, _)| index)
        .collect();
    if !wrong.is_empty() {
        let done = done(&app, &visit).await?;
        return Ok(show(&visit, lesson, &done, &wrong));
    }
    let caller = visit.caller.clone();
    blocking(move || {
        let meta = serde_json::json!({"lesson": lesson.word, "title": lesson.title, "edition": lessons::EDITION});
        let event = SystemEvent {
            resource: Some(("lesson", lesson.word)),
            meta: Some(&meta.to_string()),
            ..audit::by(&caller.key, ACTION)
        };
        Ok(audit::record(&caller.trail, &event)?)
    })
    .await?;
    Ok(see_other(&format!("/guide/{}?done=1", lesson.word)))
}

fn find(word: &str) -> Result<&'static Lesson, Problem> {
    LESSONS
        .iter()
        .find(|lesson| lesson.word == word)
        .ok_or_else(Problem::not_found)
}

fn address(lesson: &Lesson) -> String {
    format!("/guide/{}", lesson.word)
}

/// The lessons that somebody acknowledged, as the trail says.
async fn done(app: &Arc<App>, visit: &Visit) -> Result<Done, Problem> {
    let filter = filter::parse(&format!("source:system action:{ACTION}"))?;
    let filter = filter.and_equal(TextField::Actor, &visit.caller.key.id);
    let engine = visit.engine(app);
    app.read(move || read_done(&engine.snapshot()?, filter))
        .await
}

fn read_done(view: &Snapshot, filter: filter::Filter) -> Result<Done, Problem> {
    let page = view.page(
        &Query {
            filter,
            range: TimeRange::ALL,
            order: Order::Newest,
            limit: MOST,
        },
        None,
    )?;
    let mut done = Done::new();
    for row in &page.rows {
        let record = RecordView::parse(&row.record).map_err(|error| Problem::internal(&error))?;
        if let Some(lesson) = record.resource.and_then(|resource| resource.id) {
            done.entry(lesson.into_owned())
                .or_insert((record.time_us, row.seq.0));
        }
    }
    Ok(done)
}

fn show(visit: &Visit, lesson: &'static Lesson, done: &Done, wrong: &[usize]) -> Response {
    let index = LESSONS
        .iter()
        .position(|known| known.word == lesson.word)
        .unwrap_or(0);
    let acknowledged = done.get(lesson.word);
    let frame = Frame {
        above: vec![("Guide", visit.address.to("/guide"))],
        title: lesson.title,
        ..Frame::of(Nav::Guide)
    };
    let body = html! {
        article.lesson {
            p.small.dim { "Lesson " (index + 1) " of " (LESSONS.len()) }
            h1 { (lesson.title) }
            @for text in lesson.text { p { (*text) } }
            aside.card.do-it {
                div { p.lead { "Do it now" } p.soft { (lesson.task) } }
                a.btn.primary href=(lesson.place) { (lesson.button) (glyph("right")) }
            }
            (questions(visit, lesson, acknowledged, wrong))
            nav.between aria-label="Lessons" {
                @if let Some(before) = index.checked_sub(1).and_then(|index| LESSONS.get(index)) { a.btn.ghost href=(address(before)) { (glyph("left")) (before.title) } } @else { span {} }
                @if let Some(after) = LESSONS.get(index + 1) { a.btn.ghost href=(address(after)) { (after.title) (glyph("right")) } }
            }
        }
    };
    Document::ok(frame::page(visit, &frame, &body)).into_response()
}

fn questions(
    visit: &Visit,
    lesson: &Lesson,
    acknowledged: Option<&(i64, u64)>,
    wrong: &[usize],
) -> Markup {
    html! {
        section.card.lined {
            header { h2 { "Questions" } }
            @if let Some((us, seq)) = acknowledged {
                div.body.padded { div.alert.ok role="status" { (glyph("tick"))
                    p { "You acknowledged this lesson on " (tag(*us, &visit.clock.stamp(*us))) ". "
                        a href=(visit.address.to("/events").without(&["from", "to"]).with("event", seq)) { "It is on record." } } } }
            } @else {
                form.body.padded.quiz method="post" action=(address(lesson)) {
                    (seal(visit))
                    @if !wrong.is_empty() { div.alert.warn role="alert" { (glyph("warning")) p { "Not all of it is right yet. Read the marked questions once more." } } }
                    @for (index, question) in lesson.questions.iter().enumerate() {
                        fieldset.asked.again[wrong.contains(&index)] {
                            legend.medium { (question.text) }
                            @for (choice, text) in question.choices.iter().enumerate() {
                                label.check { input type="radio" name={ "q" (index) } value=(choice) required; (*text) }
                            }
                            @if wrong.contains(&index) { p.small.warn { (question.why) } }
                        }
                    }
                    p.small.dim { "With the right answers your acknowledgement goes into the trail, with your name." }
                    button.btn.primary { "Acknowledge" }
                }
            }
        }
    }
}
