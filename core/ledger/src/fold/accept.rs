//! What an `Accept` needs and creates.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::id::ActivationId;

use super::{
    Assigned, Assignment, Attempts, Birthday, EndResult, Ended, Happened, Here, How, Input,
    KeyUsed, Ledger, Link, MAX_DEPTH, Open, Progress, Source, Tree, Void, Work, row,
};
use crate::id;
use crate::record::{Accept, Birth, Cause, Fire, Place, Root, Step, Target};
use crate::rules::Rule;

/// An activation about to be born.
pub(super) struct Newborn {
    pub(super) id: ActivationId,
    pub(super) tree: Arc<Tree>,
    pub(super) cause: Cause,
    pub(super) target: Target,
    pub(super) enclosing: Option<Link>,
    /// Its place in the tree.
    pub(super) path: Vec<u32>,
    pub(super) input: Input,
}

/// Where the first action of what is born is assigned.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) place: Place,
    pub(super) offered: bool,
}

/// What one record brings about.
pub(super) struct Story<'a> {
    pub(super) here: Here<'a>,
    pub(super) happened: Vec<Happened>,
    /// How many it has created.
    pub(super) births: u32,
}

impl<'a> Story<'a> {
    pub(super) fn of(here: Here<'a>) -> Self {
        Self { here, happened: Vec::with_capacity(4), births: 0 }
    }
}

impl Ledger {
    /// Ids are new, each once in the record; sequences have steps and are not too deep.
    pub(super) fn unknown_and_sound(&self, root: &Root) -> Result<(), Void> {
        let mut ids = BTreeSet::new();
        let mut new = |id: ActivationId| {
            if self.opens.get(&id).is_none() && ids.insert(id) {
                Ok(())
            } else {
                Err(Void::IdKnown(id))
            }
        };
        let mut each = |birth: &Birth| {
            sound(&birth.target, MAX_DEPTH)?;
            new(birth.id)?;
            let mut path = Vec::new();
            let mut target = &birth.target;
            while let Target::Sequence(sequence) = target {
                new(id::child(birth.id, &path, 0))?;
                path.push(0);
                target = sequence.steps.first().ok_or(Void::Malformed)?;
            }
            Ok(())
        };
        match root {
            Root::Invoke(birth) => each(birth),
            Root::Fire(fire) => {
                fire.births().try_for_each(&mut each)?;
                new(fire.id)
            }
        }
    }

    /// The root is present, and whatever is present is held at the pinned revision. A trigger is
    /// present by `expect`.
    pub(super) fn root_present(&self, root: &Root) -> Result<(), Void> {
        match root {
            Root::Invoke(birth) => {
                self.present(birth.target.step())?;
                self.held(&birth.target)
            }
            Root::Fire(fire) => fire.births().try_for_each(|birth| self.held(&birth.target)),
        }
    }

    /// The pinned action still exists: same key, same `born`; asked only where it would be held.
    pub(super) fn present(&self, step: &Step) -> Result<(), Void> {
        let key = &step.action.key;
        let gone = match self.entities.current.get(key) {
            Some(entity) => entity.born != step.born,
            None => self.scope.holds(key.shard()),
        };
        if gone && self.rules.hold(Rule::M22Present) {
            Err(Void::NotPresent(key.clone()))
        } else {
            Ok(())
        }
    }

    /// Whatever of it is present can be read at the revision that was pinned.
    fn held(&self, target: &Target) -> Result<(), Void> {
        let step = target.step();
        if self.present(step).is_ok() {
            let lost = std::iter::once(&step.action)
                .chain(&step.beneath)
                .find(|pin| self.entities.at(pin).is_none() && self.scope.holds(pin.key.shard()));
            if let Some(pin) = lost.filter(|_| self.rules.hold(Rule::M22Present)) {
                return Err(Void::Stale(pin.key.clone()));
            }
        }
        match target {
            Target::Action(_) => Ok(()),
            Target::Sequence(sequence) => {
                sequence.steps.iter().try_for_each(|step| self.held(step))
            }
        }
    }

    /// Whether what would run first is present, and every sequence that would begin with it.
    pub(super) fn startable(&self, target: &Target) -> bool {
        self.present(target.step()).is_ok()
            && match target {
                Target::Action(_) => true,
                Target::Sequence(sequence) => {
                    sequence.steps.first().is_some_and(|first| self.startable(first))
                }
            }
    }

    pub(super) fn accept(&mut self, here: Here<'_>, it: &Accept) -> Vec<Happened> {
        let mut story = Story::of(here);
        let id = match &it.root {
            Root::Invoke(birth) => birth.id,
            Root::Fire(fire) => fire.id,
        };
        if let Some(key) = &it.key {
            let used = KeyUsed {
                first: id,
                request: key.request,
                window: key.window,
                accepted: here.at,
                namespace: it.by.namespace.clone(),
            };
            self.keys.insert(key.class, key.key, used);
        }
        if let Some(fire) = &it.fire {
            self.fires.note(fire);
        }
        story.happened.push(Happened::Accepted { id, cause: it.cause });
        match &it.root {
            Root::Invoke(birth) => self.root(it, birth, it.cause, None, &mut story),
            Root::Fire(fire) => self.fire(it, fire, &mut story),
        }
        story.happened
    }

    fn fire(&mut self, it: &Accept, fire: &Fire, story: &mut Story<'_>) {
        self.totals.accept(it.cause);
        for birth in fire.births() {
            self.root(it, birth, Cause::Rule, Some(fire.id), story);
        }
        let row = row::fired(story.here, it, fire);
        self.totals.end(row.class, How::Fired);
        story.happened.push(Happened::Ended(Arc::new(Ended {
            row: Arc::new(row),
            result: EndResult::Fire,
            was_assigned: None,
            cause: it.cause,
            parent: false,
            enclosing: None,
            tree: None,
        })));
    }

    fn root(
        &mut self,
        it: &Accept,
        birth: &Birth,
        cause: Cause,
        trigger: Option<ActivationId>,
        story: &mut Story<'_>,
    ) {
        let tree = Tree {
            root: birth.id,
            caller: Arc::clone(&it.by),
            received: it.received,
            accepted: story.here.at,
            queue: birth.queue,
            trigger,
        };
        self.entities.pin(&birth.target);
        // Of what is not present no slot is taken: it is born, and the owner ends it.
        let slot = birth
            .assign
            .filter(|_| self.startable(&birth.target))
            .map(|place| Slot { place, offered: false });
        let newborn = Newborn {
            id: birth.id,
            tree: Arc::new(tree),
            cause,
            target: birth.target.clone(),
            enclosing: None,
            path: Vec::new(),
            input: Input { source: Source::Accept(story.here.at), blob: it.payload.blob() },
        };
        self.bear(newborn, slot, story);
    }

    /// Opens an activation; a sequence together with its first step.
    pub(super) fn bear(&mut self, mut newborn: Newborn, slot: Option<Slot>, story: &mut Story<'_>) {
        loop {
            self.totals.accept(newborn.cause);
            match newborn.target.clone() {
                Target::Action(_) => return self.bear_action(newborn, slot, story),
                Target::Sequence(sequence) => {
                    let Some(first) = sequence.steps.first() else { return }; // `sound` saw to it
                    newborn = self.bear_sequence(newborn, first.clone(), story);
                }
            }
        }
    }

    fn bear_action(&mut self, newborn: Newborn, slot: Option<Slot>, story: &mut Story<'_>) {
        let here = story.here;
        let now = slot.map(|slot| Assignment {
            attempt: 1,
            place: slot.place,
            touched: false,
            at: here.at,
            wall: here.wall,
        });
        let attempts = Attempts { last: u32::from(now.is_some()), now, ..Attempts::default() };
        let (id, root) = (newborn.id, newborn.tree.root);
        self.opens
            .progress(&root, |progress| progress.actions = progress.actions.saturating_add(1));
        self.put_open(newborn, Work::Action(attempts), story);
        if let (Some(now), Some(slot)) = (now, slot) {
            story.happened.push(Happened::Assigned(Assigned {
                of: now.of(id),
                guarded: slot.place.guarded,
                offered: slot.offered,
            }));
        }
    }

    /// Opens a sequence and says what its first step is.
    fn bear_sequence(&mut self, newborn: Newborn, first: Target, story: &mut Story<'_>) -> Newborn {
        let id = self.child_id(newborn.tree.root, &newborn.path, 0);
        let mut path = newborn.path.clone();
        path.push(0);
        let step = Newborn {
            id,
            tree: Arc::clone(&newborn.tree),
            cause: Cause::Step,
            target: first,
            enclosing: Some(Link { id: newborn.id, position: 0 }),
            path,
            input: newborn.input,
        };
        let progress =
            Progress { path: newborn.path.clone(), begun: vec![id], ..Progress::default() };
        self.put_open(newborn, Work::Sequence(progress), story);
        step
    }

    fn put_open(&mut self, newborn: Newborn, work: Work, story: &mut Story<'_>) {
        let parent = matches!(work, Work::Sequence(_));
        story.happened.push(Happened::Born { id: newborn.id, parent });
        self.opens.insert(Open {
            id: newborn.id,
            tree: newborn.tree,
            cause: newborn.cause,
            target: newborn.target,
            enclosing: newborn.enclosing,
            input: newborn.input,
            born: Birthday { at: story.here.at, order: story.births },
            born_wall: story.here.wall,
            work,
            records: vec![story.here.at],
            fixed: 0,
            hash: 0,
        });
        story.births = story.births.saturating_add(1);
    }

    /// The derived id. That another activation took it before is not to be expected of 116 bits; if so,
    /// it is derived once more, so that the fold is total.
    pub(super) fn child_id(&self, root: ActivationId, path: &[u32], index: u32) -> ActivationId {
        let mut child = id::child(root, path, index);
        while self.opens.get(&child).is_some() {
            child = id::child(child, path, index);
        }
        child
    }
}

/// Every sequence has steps, none is deeper than `depth`.
fn sound(target: &Target, depth: usize) -> Result<(), Void> {
    match target {
        Target::Action(_) => Ok(()),
        Target::Sequence(_) if depth == 0 => Err(Void::Malformed),
        Target::Sequence(sequence) if sequence.steps.is_empty() => Err(Void::Malformed),
        Target::Sequence(sequence) => {
            sequence.steps.iter().try_for_each(|step| sound(step, depth - 1))
        }
    }
}
