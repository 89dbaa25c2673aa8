//! What a name means at one state of the ledger: the action with every definition pinned.
//!
//! A sequence is expanded down to the code that will run, all at one look at the fold. What has to be
//! read from the blob store first is read between two looks. A component that does not exist is
//! pinned at no revision: it is not *present*, and ends its step when its turn comes.
//!
//! Source: `rest-api.md` §§3.8, 3.9; `exactly-once.md` §9.

use std::collections::HashSet;
use std::sync::Arc;

use ledger::record::{EntityKey, Pin, Sequence, Step, Target};
use model::action::{Action, Exec};
use model::id::Offset;
use model::identity::Identity;
use model::json::{Json, Kind};
use model::limits::{ActionLimits, MAX_SEQUENCE};
use model::name::QualifiedName;
use model::parameters::Parameter;
use model::time::Millis;

use super::Error;
use crate::Controller;
use crate::entitlement::Denied;
use crate::entitlement::packages::{self, Astray, Reached};
use crate::read::KnownAction;
use crate::read::documents::{Seen, Stop, View};
use crate::runtimes::Runtimes;

/// How deep sequences may nest.
pub const MAX_DEPTH: usize = 50;

/// What one look at the fold found out so far.
struct Looker<'a, 'v> {
    view: &'a mut View<'v>,
    runtimes: &'a Runtimes,
    caller: &'a Identity,
    /// Set if a document has to be read first.
    unread: bool,
    /// Resources that the caller may not use.
    denied: Vec<String>,
    /// Actions that may still be added: what lies behind them could never run.
    room: usize,
    /// The first kind that cannot run here.
    cannot: Option<Error>,
}

impl Controller {
    /// The action of this name, with all that it rests on pinned, if the caller may run it here.
    ///
    /// # Errors
    /// [`Error`], in the order of the contract: rights, existence, rights to components, `final`,
    /// deprecated kinds, kinds that cannot run here.
    pub async fn resolve(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        arguments: &Json,
    ) -> Result<Target, Error> {
        let look = |view: &mut View<'_>| self.target(view, caller, name, arguments);
        self.documents.look(&self.partition, look).await
    }

    /// The same at one look at the fold.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn target(
        &self,
        view: &mut View<'_>,
        caller: &Identity,
        name: &QualifiedName,
        arguments: &Json,
    ) -> Result<Target, Stop<Error>> {
        let reached = packages::reach(view, &caller.namespace, name).map_err(Stop::widen)?;
        let seen = view.get(&reached.key())?.ok_or(Error::NotFound)?;
        let action = Arc::clone(seen.known.action().ok_or(Error::OtherKind)?);
        let mut looker = Looker {
            view,
            runtimes: &self.runtimes,
            caller,
            unread: false,
            denied: Vec::new(),
            room: MAX_SEQUENCE + 1,
            cannot: None,
        };
        let target = looker.target(&reached, &seen, &action, 0)?;
        if looker.unread {
            return Err(Stop::Read);
        }
        if let Some(denied) = Denied::all(looker.denied) {
            return Err(Error::from(denied).into());
        }
        overrides_final(&reached, &action, arguments)?;
        looker.cannot.map_or_else(|| Ok(target), |cannot| Err(cannot.into()))
    }
}

impl Looker<'_, '_> {
    fn target(
        &mut self,
        reached: &Reached,
        seen: &Seen,
        action: &Arc<KnownAction>,
        depth: usize,
    ) -> Result<Target, Stop<Error>> {
        let (beneath, runtimes) = (reached.beneath(), self.runtimes);
        let binding = reached.binding().map(ToString::to_string);
        let step = action.step(&beneath, binding.as_deref(), |action| {
            step(reached, seen, beneath.clone(), binding.clone(), action, runtimes)
        });
        let Exec::Sequence(components) = &action.exec else {
            self.room = self.room.saturating_sub(1);
            if self.cannot.is_none() {
                self.cannot = can_run(action, runtimes).err();
            }
            return Ok(Target::Action(step));
        };
        let mut steps = Vec::with_capacity(components.len());
        for component in components {
            if self.room == 0 {
                break; // the fold ends the sequence before it would come here
            }
            let room = self.room;
            match self.component(component, depth + 1) {
                Ok(step) => steps.extend(step),
                Err(Stop::Read) => self.unread = true,
                Err(stop) => return Err(stop),
            }
            // One that added nothing costs a look as well: sequences of such nest fifty deep.
            self.room = self.room.min(room - 1);
        }
        let step = Step::clone(&step);
        let deadline = deadline_of(&step);
        Ok(Target::Sequence(Arc::new(Sequence { step, steps, deadline })))
    }

    /// A component; `None` if the caller may not use it.
    fn component(&mut self, text: &str, depth: usize) -> Result<Option<Target>, Stop<Error>> {
        // Stored names were checked when they were stored.
        let Ok(name) = QualifiedName::parse(text, &self.caller.namespace) else {
            return Ok(None);
        };
        if depth >= MAX_DEPTH {
            return Ok(Some(self.absent(&name)));
        }
        let reached = match packages::reach(self.view, &self.caller.namespace, &name) {
            Ok(reached) => reached,
            Err(Stop::No(Astray::Denied(resource))) => {
                self.denied.push(resource);
                return Ok(None);
            }
            Err(Stop::No(Astray::NotFound | Astray::OtherKind)) => {
                return Ok(Some(self.absent(&name)));
            }
            Err(stop) => return Err(stop.widen()),
        };
        let seen = self.view.get::<Error>(&reached.key())?;
        match seen.as_ref().and_then(|seen| Some((seen, seen.known.action()?))) {
            None => Ok(Some(self.absent(&reached.name))),
            Some((seen, action)) => self.target(&reached, seen, action, depth).map(Some),
        }
    }

    /// What stands in the place of a component that does not exist: nothing of it is ever present.
    fn absent(&mut self, name: &QualifiedName) -> Target {
        self.room = self.room.saturating_sub(1);
        let key = EntityKey::named(&name.namespace, &name.path);
        Target::Action(Arc::new(Step {
            action: Pin { key, revision: Offset::NONE },
            born: Offset::NONE,
            beneath: Vec::new(),
            path: name.to_string(),
            binding: None,
            version: model::action::Version::default().to_string(),
            kind: "unknown".to_owned(),
            limits: ActionLimits::default(),
            retry: None,
            guarded: true,
        }))
    }
}

fn step(
    reached: &Reached,
    seen: &Seen,
    beneath: Vec<Pin>,
    binding: Option<String>,
    action: &Action,
    runtimes: &Runtimes,
) -> Step {
    let kind = action.exec.kind();
    let driver = driver_of(action);
    Step {
        action: seen.pin.clone(),
        born: seen.born,
        beneath,
        path: reached.name.to_string(),
        binding,
        version: action.version.to_string(),
        kind: kind.to_owned(),
        limits: action.limits,
        retry: retry_of(action),
        guarded: runtimes.available(kind, driver.as_deref()).is_ok_and(|driver| driver.guarded),
    }
}

fn can_run(action: &Action, runtimes: &Runtimes) -> Result<(), Error> {
    let kind = action.exec.kind();
    if runtimes.get(kind).is_some_and(|kind| kind.deprecated) {
        return Err(Error::Deprecated(kind.to_owned()));
    }
    let cannot = |reason| Error::CannotRun { kind: kind.to_owned(), reason };
    runtimes.available(kind, driver_of(action).as_deref()).map_err(cannot)?;
    Ok(())
}

/// The driver that an action names.
fn driver_of(action: &Action) -> Option<String> {
    action.annotations.get("driver")?.text()
}

/// The attempts that an action declares.
#[must_use]
pub fn retry_of(action: &Action) -> Option<u8> {
    let attempts = action.annotations.get("retry")?.member("attempts")?;
    attempts.as_str().parse().ok().filter(|attempts| (2..=10).contains(attempts))
}

/// Parameters that have a value in the action or its package cannot be overridden if it is `final`.
fn overrides_final(reached: &Reached, action: &Action, arguments: &Json) -> Result<(), Error> {
    let is_final = action.annotations.get("final").is_some_and(|value| value.as_str() == "true");
    if !is_final {
        return Ok(());
    }
    let beneath = reached.provider.as_ref().map(packages::Provider::parameters);
    let all = beneath.unwrap_or_default().merged_with(&action.parameters);
    let has_value = |one: &&Parameter| one.value.kind() != Kind::Null;
    let fixed: HashSet<&str> =
        all.as_slice().iter().filter(has_value).map(|one| one.key.as_str()).collect();
    let members = arguments.members().unwrap_or_default();
    let overrides = members.iter().any(|(name, _)| fixed.contains(name.as_str()));
    if overrides { Err(Error::Final) } else { Ok(()) }
}

/// How long a sequence may run as a whole: its own time limit, where somebody set one. The default
/// is not enforced: upstream ignores it, and a pipeline of slow steps would die of it.
fn deadline_of(step: &Step) -> Option<Millis> {
    let limit = step.limits.timeout;
    (limit != ActionLimits::default().timeout).then_some(limit)
}
