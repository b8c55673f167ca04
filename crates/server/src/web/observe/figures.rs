//! The key figures.

use maud::{Markup, html};

use super::gather::Overview;
use crate::web::{
    address::Address,
    chart::spark,
    glyph::small,
    narrow,
    number::{about, change, count_of, grouped, share, spent},
    selected::Selected,
    visit::Visit,
};

pub(super) fn card(visit: &Visit, selected: &Selected, overview: &Overview) -> Markup {
    let total = &overview.total;
    let all = &total.all;
    let before = overview.before.as_ref();
    let events = |term: &str| {
        visit
            .address
            .to("/events")
            .with("q", narrow::and(&selected.q, term))
    };
    let per_bucket = |figure: fn(&query::Figures) -> i128| {
        let buckets = overview.series.buckets.iter();
        let sum = buckets.map(|bucket| {
            bucket
                .rows
                .iter()
                .map(|row| figure(&row.figures))
                .sum::<i128>()
        });
        sum.map(i128::unsigned_abs).collect::<Vec<u128>>()
    };
    let approvals: Vec<u128> = overview
        .approvals_series
        .buckets
        .iter()
        .map(|bucket| {
            bucket
                .rows
                .first()
                .map_or(0, |row| row.figures.count.into())
        })
        .collect();
    let changed = |now: i128, before: Option<i128>| before.and_then(|before| change(now, before));
    let tokens = all.input_tokens + all.output_tokens;
    html! {
        section.card.figures aria-label="Key figures" {
            (figure("Events", &html! { a href=(events("")) { (grouped(all.count)) } }, None,
                &spark(&per_bucket(|figures| figures.count.into())),
                &html! { @if let Some(change) = changed(all.count.into(), before.map(|sums| sums.all.count.into())) { b { (change) } " on the time before" } @else { "recorded" } }))
            (figure("Failures and errors", &html! { a href=(events("result:(failure OR error)")) { (grouped(all.failures)) } }, Some(share(all.failures, all.count)),
                &spark(&per_bucket(|figures| figures.failures.into())),
                &html! { a.quiet href=(events("result:failure")) { b { (grouped(total.failed)) } " failed" } " · " a.quiet href=(events("result:error")) { b { (grouped(total.broken)) } " errors" } }))
            (figure("Cost", &html! { a href=(events("has:usage")) { (spent(all.cost_nanousd, all.unpriced)) } }, None,
                &spark(&per_bucket(|figures| figures.cost_nanousd)),
                &html! {
                    @if let Some(change) = changed(all.cost_nanousd, before.map(|sums| sums.all.cost_nanousd)) { b { (change) } " · " }
                    @if all.unpriced > 0 { a.quiet href=(events("has:usage -cost:*")) { (count_of(all.unpriced, "call", "calls")) @if all.cost_nanousd > 0 { " unpriced" } } } @else { "every call is priced" }
                }))
            (figure("Tokens", &html! { a href=(events("has:usage")) { (about(tokens)) } }, None,
                &spark(&per_bucket(|figures| figures.input_tokens + figures.output_tokens)),
                &html! { @if all.input_tokens > 0 { b { (cached(all)) } " of input from cache" } @else { "none was used" } }))
            (figure("Approvals", &html! { a href=(events("has:approval")) { (grouped(overview.approvals)) } }, None,
                &spark(&approvals),
                &html! { a.quiet href=(events("decision:denied")) { b { (grouped(overview.denied)) } " denied" } }))
            (gaps(visit, selected, overview))
        }
    }
}

fn figure(
    label: &str,
    value: &Markup,
    of: Option<String>,
    spark: &Markup,
    below: &Markup,
) -> Markup {
    html! {
        div.figure {
            span.label { (label) }
            span.value { (value) @if let Some(of) = of { span.of { (of) } } (spark) }
            span.below { (below) }
        }
    }
}

fn cached(all: &query::Figures) -> String {
    let unsigned = |count: i128| u64::try_from(count).unwrap_or(0);
    share(unsigned(all.cache_read_tokens), unsigned(all.input_tokens))
}

fn gaps(visit: &Visit, selected: &Selected, overview: &Overview) -> Markup {
    let range = selected.range();
    let known = overview.numbers.producers.iter();
    let gaps = known.flat_map(|producer| &producer.gaps);
    let gaps: Vec<_> = gaps.filter(|gap| range.contains(gap.at_us())).collect();
    let missing: u64 = gaps.iter().map(|gap| gap.count()).sum();
    let address: Address = visit.address.to("/integrity");
    html! {
        div.figure {
            span.label { @if !gaps.is_empty() { span.bad { (small("gap")) } } "Gaps" }
            span.value { a href={ (address) "#producers" } { (grouped(gaps.len())) }
                @if missing > 0 { span.of { (count_of(missing, "event", "events")) " missing" } } }
            span.below {
                @if overview.numbers.producers.is_empty() { "no producer numbers its events" }
                @else if gaps.is_empty() { "every numbered event arrived" }
                @else { a href={ (address) "#producers" } { "not explained" } }
            }
        }
    }
}
