//! Ends: of an action, then outwards through the sequences around it, in the same step.

use std::sync::Arc;

use model::activation::Row;
use model::id::ActivationId;
use model::limits::MAX_SEQUENCE;
use model::outcome::{Class, Reason};

use super::accept::{Newborn, Slot, Story};
use super::{EndResult, Ended, Happened, Here, How, Input, Ledger, Link, Open, Source, Void, row};
use crate::record::{Body, Cause, Expire, Finish, Payload, Place, Step, Target};
use crate::rules::Rule;

/// What the sequence around it learns of an activation that ended.
struct Stepped {
    enclosing: Option<Link>,
    class: Class,
    duration_us: u64,
    /// Of the sandbox, or the most of the steps; `None` if nothing began.
    memory: Option<u32>,
    /// It never began because its action was deleted.
    missing: bool,
}

/// What ends a sequence.
#[derive(Clone, Copy)]
enum Closing<'a> {
    /// A step that ended, or that had no room.
    Step {
        /// How the sequence ends.
        class: Class,
        /// Whether the step never began because its action was deleted.
        missing: bool,
    },
    /// The owner.
    Owner(&'a Reason),
}

/// A slot held for a successor, and what ran there.
struct Offer<'a> {
    place: Place,
    ran: &'a Step,
}

impl Ledger {
    pub(super) fn finish(&mut self, here: Here<'_>, it: &Finish) -> Vec<Happened> {
        let mut story = Story::of(here);
        let Some(open) = self.take_ended(&it.of.id) else { return story.happened };
        let stepped = Stepped {
            enclosing: open.enclosing,
            class: it.class,
            duration_us: it.duration_us,
            memory: Some(open.step().limits.memory),
            missing: false,
        };
        let offer = open
            .assignment()
            .filter(|_| it.offer)
            .map(|now| Offer { place: now.place, ran: open.step() });
        self.leave(row::finished(here, &open, it), &open, How::Finished, &mut story);
        self.go_on(stepped, offer, &mut story);
        story.happened
    }

    fn take_ended(&mut self, id: &ActivationId) -> Option<Open> {
        #[cfg(debug_assertions)]
        if !self.rules.hold(Rule::M4FirstWins) {
            let open = self.opens.remove(id).or_else(|| self.former.ended.get(id).cloned())?;
            self.former.ended.insert(*id, open.clone());
            return Some(open);
        }
        self.opens.remove(id)
    }

    pub(super) fn may_expire(&self, it: &Expire) -> Result<(), Void> {
        let open = self.opens.get(&it.id).ok_or(Void::NotOpen)?;
        if open.is_sequence() {
            return match &it.reason {
                Reason::Timeout(_)
                | Reason::Cancelled
                | Reason::Internal(_)
                | Reason::Refused(_) => {
                    if it.attempt == 0 {
                        Ok(())
                    } else {
                        Err(Void::OtherAttempt)
                    }
                }
                Reason::Lost | Reason::QueueTimeout(_) | Reason::NoCapacity | Reason::Missing => {
                    Err(Void::IsSequence)
                }
            };
        }
        let action = self.opens.action(&it.id)?.last_is(it.attempt)?;
        match &it.reason {
            Reason::Lost => {
                let rerunnable = action.assigned()?.rerunnable(self.rules).is_ok();
                if rerunnable && self.rules.hold(Rule::M30LostOnly) {
                    return Err(Void::Rerunnable);
                }
            }
            Reason::Missing | Reason::QueueTimeout(_) | Reason::NoCapacity => {
                action.not_assigned()?;
            }
            Reason::Timeout(_) => return Err(Void::NotSequence),
            Reason::Cancelled | Reason::Internal(_) | Reason::Refused(_) => {}
        }
        Ok(())
    }

    pub(super) fn expire(&mut self, here: Here<'_>, it: &Expire) -> Vec<Happened> {
        let mut story = Story::of(here);
        let how = How::from(&it.reason);
        let stepped = if self.opens.get(&it.id).is_some_and(Open::is_sequence) {
            self.close_inside(&it.id, &it.reason, &mut story);
            self.close(&it.id, Closing::Owner(&it.reason), &mut story)
        } else {
            self.opens.remove(&it.id).map(|open| {
                let row = row::expired(here, &open, it);
                let began = row.ran.as_ref().is_some_and(|ran| ran.began);
                let stepped = Stepped {
                    enclosing: open.enclosing,
                    class: row.class,
                    duration_us: row.duration_us,
                    memory: began.then_some(open.step().limits.memory),
                    missing: it.reason == Reason::Missing,
                };
                self.leave(row, &open, how, &mut story);
                stepped
            })
        };
        if let Some(stepped) = stepped {
            self.go_on(stepped, None, &mut story);
        }
        story.happened
    }

    /// An inner sequence that runs within `id` ends with it, innermost first: nothing more may be
    /// created. The action that runs ends with its own record.
    fn close_inside(&mut self, id: &ActivationId, reason: &Reason, story: &mut Story<'_>) {
        let mut inside = Vec::new();
        let mut around = *id;
        while let Some(inner) = self.running_inside(&around) {
            inside.push(inner);
            around = inner;
        }
        for inner in inside.into_iter().rev() {
            self.close(&inner, Closing::Owner(reason), story);
        }
    }

    fn running_inside(&self, id: &ActivationId) -> Option<ActivationId> {
        let running = self.opens.get(id)?.progress()?.begun.last()?;
        let inner = self.opens.get(running)?;
        let of_it = inner.enclosing.is_some_and(|link| link.id == *id);
        (inner.is_sequence() && of_it).then_some(*running)
    }

    /// A step ended: the next begins, or the sequence ends, and so outwards.
    fn go_on(&mut self, mut done: Stepped, offer: Option<Offer<'_>>, story: &mut Story<'_>) {
        while let Some(link) = done.enclosing {
            // A sequence that ended early creates nothing more.
            let Some(Target::Sequence(sequence)) =
                self.opens.get(&link.id).map(|open| open.target.clone())
            else {
                return;
            };
            self.count_step(&link, &done);
            let position = link.position.saturating_add(1);
            let next = usize::try_from(position).ok().and_then(|at| sequence.steps.get(at));
            let class = match (done.class, next) {
                (Class::Success, Some(next)) if self.has_room(&link.id) => {
                    return self.begin(&link.id, position, next, offer, story);
                }
                (Class::Success, Some(_)) => Class::ApplicationError, // too many actions
                (class, _) => class,
            };
            let closing = Closing::Step { class, missing: done.missing };
            match self.close(&link.id, closing, story) {
                Some(closed) => done = closed,
                None => return,
            }
        }
    }

    fn count_step(&mut self, link: &Link, done: &Stepped) {
        self.opens.progress(&link.id, |progress| {
            progress.duration_us = progress.duration_us.saturating_add(done.duration_us);
            progress.memory = progress.memory.max(done.memory);
            if done.missing {
                progress.begun.pop();
            }
        });
    }

    /// Whether the tree around `id` may begin one more action.
    fn has_room(&self, id: &ActivationId) -> bool {
        let root = self.opens.get(id).and_then(|open| self.opens.get(&open.tree.root));
        let begun = root.and_then(Open::progress).map_or(0, |progress| progress.actions);
        usize::try_from(begun).is_ok_and(|begun| begun < MAX_SEQUENCE)
    }

    fn begin(
        &mut self,
        id: &ActivationId,
        position: u32,
        next: &Target,
        offer: Option<Offer<'_>>,
        story: &mut Story<'_>,
    ) {
        let Some((tree, mut path)) = self
            .opens
            .get(id)
            .and_then(|open| Some((Arc::clone(&open.tree), open.progress()?.path.clone())))
        else {
            return;
        };
        let child = self.child_id(tree.root, &path, position);
        self.opens.progress(id, |progress| {
            progress.position = position;
            progress.begun.push(child);
        });
        path.push(position);
        let slot = offer.filter(|offer| self.fits(offer, next)).map(|offer| offer.place);
        let newborn = Newborn {
            id: child,
            tree,
            cause: Cause::Step,
            target: next.clone(),
            enclosing: Some(Link { id: *id, position }),
            path,
            input: result_of(story.here),
        };
        self.bear(newborn, slot.map(|place| Slot { place, offered: true }), story);
    }

    /// Whether the offered slot suits the successor: same kind and guard, limits no larger, held here
    /// and present.
    fn fits(&self, offer: &Offer<'_>, next: &Target) -> bool {
        let Some(step) = next.first_action() else { return false };
        let held = self.scope.holds(step.action.key.shard());
        let (has, needs) = (&offer.ran.limits, &step.limits);
        step.kind == offer.ran.kind
            && step.guarded == offer.place.guarded
            && needs.memory <= has.memory
            && needs.timeout <= has.timeout
            && needs.logs <= has.logs
            && ((held && self.startable(next)) || !self.rules.hold(Rule::M21OfferPresent))
    }

    /// Ends a sequence by the record at hand.
    fn close(
        &mut self,
        id: &ActivationId,
        closing: Closing<'_>,
        story: &mut Story<'_>,
    ) -> Option<Stepped> {
        let open = self.opens.remove(id)?;
        let progress = open.progress()?;
        let (class, how, missing, reason) = match closing {
            Closing::Step { class, missing } => (class, How::Closed, missing, None),
            Closing::Owner(reason) => (reason.class(), How::from(reason), false, Some(reason)),
        };
        let stepped = Stepped {
            enclosing: open.enclosing,
            class,
            duration_us: progress.duration_us,
            memory: progress.memory,
            missing: missing && progress.begun.is_empty(),
        };
        self.leave(row::closed(story.here, &open, progress, class, reason), &open, how, story);
        Some(stepped)
    }

    /// What every end does: the state forgets it, the world is told.
    fn leave(&mut self, mut row: Row, open: &Open, how: How, story: &mut Story<'_>) {
        // Whoever has the name of a deleted namespace by now is shown nothing of what ran in that one.
        row.stored &= !self.is_made_again(&open.tree);
        self.totals.end(row.class, how);
        self.entities.unpin(open);
        #[cfg(debug_assertions)]
        if !self.rules.hold(Rule::M25KeysStay) {
            self.keys.forget(open.id);
        }
        story.happened.push(Happened::Ended(Arc::new(Ended {
            result: EndResult::of(&row, story.here.body),
            row: Arc::new(row),
            was_assigned: open.assigned(),
            cause: open.cause,
            parent: open.is_sequence(),
            enclosing: open.enclosing.map(|link| link.id),
            tree: Some(Arc::clone(&open.tree)),
        })));
    }
}

/// The result of the record at hand, as the input of what follows.
fn result_of(here: Here<'_>) -> Input {
    let blob = if let Body::Finish(finish) = here.body {
        finish.result.as_ref().and_then(Payload::blob)
    } else {
        None
    };
    Input { source: Source::Finish(here.at), blob }
}
