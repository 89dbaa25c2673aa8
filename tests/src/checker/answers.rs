//! What clients were told, held against what the ledger says.

use std::collections::{BTreeMap, BTreeSet};

use model::id::ActivationId;
use model::json::Json;
use model::outcome::Class;

use super::Invariant::{I1, I5, I21, I22, I23, Kept as AnswerKept};
use super::Report;
use super::books::{Books, End, Life};
use crate::journal::{Answer, Expect, How, Journal, Kept, Told};

/// The same key and the same request, under however many names.
type Request<'a> = (&'a str, &'a str, How, &'a str);

/// Checks all journals.
pub(super) fn check(journals: &[Journal], books: &Books, report: &mut Report) {
    let all: Vec<&Kept> = journals.iter().flat_map(|journal| &journal.kept).collect();
    let mut groups: BTreeMap<Request<'_>, Vec<&Kept>> = BTreeMap::new();
    for kept in &all {
        let wish = &kept.wish;
        let request = (&*wish.key, &*wish.action, wish.how, &*wish.payload);
        groups.entry(request).or_default().push(kept);
        refusals(kept, books, report);
        for (one, answer) in kept.answers().filter(|(_, answer)| answer.is_end()) {
            told(&one.transaction, wish.how, answer, books, report);
        }
    }
    asked_for(&all, books, report);
    let mut sums = Sums::default();
    for group in groups.values() {
        settle(group, books, &mut sums, report);
    }
    for read in journals.iter().flat_map(|journal| &journal.reads) {
        let end = end_of(&read.id, books);
        let right = read.status == 200 && end.is_some_and(|end| end.record(true) == read.body);
        report.holds(I23, right, || format!("{}: {} {}", read.id, read.status, read.body));
    }
    sums.tell(&all, books, report);
}

/// What is counted over all requests.
#[derive(Default)]
struct Sums {
    accepted: u64,
    kept: u64,
    lost_for_good: u64,
    vanished: u64,
    doubled: u64,
}

impl Sums {
    fn tell(&self, all: &[&Kept], books: &Books, report: &mut Report) {
        let tries = || all.iter().flat_map(|kept| &kept.tries);
        let cut = tries().filter(|one| !matches!(one.told, Some(Told::Answer(_)))).count();
        let cuts = |times: usize| books.lives.values().filter(|it| it.cuts == times).count() as u64;
        report.count("wishes", all.len() as u64);
        report.count("requests sent", tries().count() as u64);
        report.count("of these cut", cut as u64);
        report.count("accepted", self.accepted);
        report.count("activations with their steps", books.lives.len() as u64);
        report.count("runs cut once", cuts(1));
        report.count("runs cut twice", cuts(2));
        report.count("runs cut three times, ended lost", cuts(3));
        report.count("answers kept", self.kept);
        report.count("wishes that ended lost (3 cuts)", self.lost_for_good);
        report.count("LOST", self.vanished);
        report.count("DOUBLED", self.doubled);
    }
}

/// Nothing is accepted that nobody sent.
fn asked_for(all: &[&Kept], books: &Books, report: &mut Report) {
    let sent: BTreeSet<&str> =
        all.iter().flat_map(|kept| &kept.tries).map(|one| one.transaction.as_str()).collect();
    for transaction in books.accepts.keys() {
        report.holds(I1, sent.contains(transaction.as_str()), || {
            format!("{transaction} was accepted and never sent")
        });
    }
}

/// After a refusal nothing of this wish is in the ledger; and what must be refused is.
fn refusals(kept: &Kept, books: &Books, report: &mut Report) {
    for (at, one) in kept.tries.iter().enumerate() {
        let Some(Told::Answer(answer)) = &one.told else { continue };
        if answer.is_refusal() {
            // A server that starts says `no` of this request; of one that was cut before it, it
            // cannot know yet. Every other refusal speaks of the key.
            let from = if answer.status == 503 { at } else { 0 };
            let mut before = kept.tries[from..=at].iter();
            let trace = before.find(|one| books.accepts.contains_key(&one.transaction));
            report.holds(I21, trace.is_none(), || {
                format!(
                    "{} was refused with {}, and {trace:?} was accepted",
                    one.transaction, answer.status
                )
            });
        }
    }
    let Expect::Refusal(status) = kept.wish.expect else { return };
    let invariant = if status == 422 { I22 } else { I21 };
    let last = kept.answers().last().map(|(_, answer)| answer);
    let right = last.is_some_and(|answer| answer.status == status);
    report.holds(invariant, right, || format!("{:?} was told {last:?}", kept.wish));
}

/// A blocking caller was told what the record says.
fn told(transaction: &str, how: How, answer: &Answer, books: &Books, report: &mut Report) {
    let end = answer.id.as_deref().and_then(|id| end_of(id, books));
    let right = end.is_some_and(|end| {
        let body = match how {
            How::Record | How::Id => end.record(false),
            How::Result => end.result.as_ref().map_or("{}", Json::as_str).to_owned(),
        };
        answer.status == status_of(end.ended.row.class) && answer.body == body
    });
    report.holds(I5, right, || {
        let is = end.map(|end| end.record(false));
        format!("{transaction} was told {} {}, the record is {is:?}", answer.status, answer.body)
    });
}

fn status_of(class: Class) -> u16 {
    match class {
        Class::Success => 200,
        Class::ApplicationError | Class::DeveloperError => 502,
        Class::InternalError => 500,
    }
}

fn end_of<'a>(id: &str, books: &'a Books) -> Option<&'a End> {
    books.lives.get(&id.parse().ok()?)?.end()
}

/// One request, however often it was sent: one activation at most, and its answer.
fn settle(group: &[&Kept], books: &Books, sums: &mut Sums, report: &mut Report) {
    let wish = &group[0].wish;
    let tries = || group.iter().flat_map(|kept| &kept.tries);
    let accepted: Vec<ActivationId> =
        tries().filter_map(|one| books.accepts.get(&one.transaction)).flatten().copied().collect();
    sums.accepted += u64::from(!accepted.is_empty());
    sums.doubled += accepted.len().saturating_sub(1) as u64;
    let said: Vec<&Answer> = group
        .iter()
        .flat_map(|kept| kept.answers())
        .map(|(_, answer)| answer)
        .filter(|answer| answer.is_acceptance())
        .collect();
    for answer in &said {
        let id = answer.id.as_deref().and_then(|id| id.parse().ok());
        let right = id.is_some_and(|id| accepted == [id]);
        sums.vanished += u64::from(accepted.is_empty());
        report.holds(I1, right, || {
            format!("{} was told {id:?}, accepted is {accepted:?}", wish.name)
        });
    }
    if tries().count() > 1 {
        report.holds(I22, accepted.len() <= 1, || format!("{} made {accepted:?}", wish.name));
        let ids: BTreeSet<&Option<String>> = said.iter().map(|answer| &answer.id).collect();
        report.holds(I22, ids.len() <= 1, || format!("{} was told of {ids:?}", wish.name));
        let fresh = said.iter().filter(|answer| !answer.replayed).count();
        report.holds(I22, fresh <= 1, || format!("{} was fresh {fresh} times", wish.name));
    }
    let settled = !said.is_empty() || matches!(wish.expect, Expect::Refusal(_));
    report.holds(I1, settled, || format!("{} was never accepted", wish.name));
    for id in accepted {
        answer_kept(wish.name.as_str(), &wish.expect, id, books, sums, report);
    }
}

/// A pure run keeps its answer unless it was cut three times.
fn answer_kept(
    name: &str,
    expect: &Expect,
    root: ActivationId,
    books: &Books,
    sums: &mut Sums,
    report: &mut Report,
) {
    let Some(end) = books.lives.get(&root).and_then(Life::end) else { return };
    let is_lost = |life: &&Life| {
        life.end().is_some_and(|end| end.ended.row.outcome.as_deref() == Some("lost"))
    };
    let (class, result) = (end.ended.row.class, end.result.as_ref());
    if let Some(lost) = books.tree(root).find(is_lost) {
        sums.lost_for_good += 1;
        let right = lost.cuts == 3 && class == Class::InternalError;
        report.holds(AnswerKept, right, || format!("{name} ended lost after {} cuts", lost.cuts));
        return;
    }
    let (must, text) = match expect {
        Expect::Success(text) => (Class::Success, text.as_str()),
        Expect::Error(text) => (Class::ApplicationError, text.as_str()),
        Expect::Refusal(_) => (Class::InternalError, "nothing: it should have been refused"),
    };
    let right = class == must && result.is_some_and(|result| result.as_str() == text);
    sums.kept += u64::from(right);
    report.holds(AnswerKept, right, || {
        format!("{name} ({root}) ended with {class} {result:?}, and should with {text}")
    });
}
