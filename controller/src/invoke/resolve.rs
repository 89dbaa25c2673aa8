//! What a name means at one state of the ledger: the action with every definition pinned.
//!
//! A sequence is expanded down to the code that will run, all at one look at the fold. What has to be
//! read from the blob store first is read between two looks. A component that does not exist is
//! pinned at no revision: it is not *present*, and ends its step when its turn comes.
//!
//! Source: `rest-api.md` §§3.8, 3.9; `exactly-once.md` §9.

use std::sync::Arc;

use ledger::fold::Ledger;
use ledger::record::{EntityKey, Pin, Sequence, Step, Target};
use model::action::{Action, Exec};
use model::id::Offset;
use model::identity::Identity;
use model::json::Json;
use model::limits::{ActionLimits, MAX_SEQUENCE};
use model::name::{EntityPath, QualifiedName};
use model::time::Millis;

use super::Error;
use crate::Controller;
use crate::entitlement;
use crate::read::Known;
use crate::runtimes::Runtimes;

/// How deep sequences may nest.
pub const MAX_DEPTH: usize = 50;
/// How often large documents may have to be read before a sequence is known as a whole.
const MAX_LOOKS: usize = 2 * MAX_DEPTH;

/// What one look at the fold led to.
enum Look {
    /// All is known.
    Known(Target),
    /// These documents have to be read first.
    Read(Vec<Pin>),
}

/// One look at the fold, and what it found out so far.
struct Looker<'a> {
    controller: &'a Controller,
    ledger: &'a Ledger,
    caller: &'a Identity,
    unread: Vec<Pin>,
    foreign: Vec<QualifiedName>,
    /// Actions that may still be added: what lies behind them could never run.
    room: usize,
    /// The first kind that cannot run here.
    cannot: Option<Error>,
}

impl Controller {
    /// The action of this name, with all that it rests on pinned, if the caller may run it here.
    ///
    /// # Errors
    /// [`Error`], in the order of the contract: existence, rights to components, `final`, deprecated
    /// kinds, kinds that cannot run here.
    pub async fn resolve(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        arguments: &Json,
    ) -> Result<Target, Error> {
        for _ in 0..MAX_LOOKS {
            match self.partition.read(|ledger| self.look(ledger, caller, name, arguments))? {
                Look::Known(target) => return Ok(target),
                Look::Read(unread) => {
                    for pin in unread {
                        match Box::pin(self.documents.action_at(&self.partition, &pin)).await {
                            // Replaced since the look: the next one sees what is there now.
                            Ok(_) | Err(crate::read::documents::Unreadable::Gone(_)) => {}
                            Err(error) => return Err(error.into()),
                        }
                    }
                }
            }
        }
        Err(Error::Changed)
    }

    fn look(
        &self,
        ledger: &Ledger,
        caller: &Identity,
        name: &QualifiedName,
        arguments: &Json,
    ) -> Result<Look, Error> {
        let key = EntityKey::named(&name.namespace, &name.path);
        let Some(entity) = ledger.entity(&key) else {
            return Err(missing(ledger, name));
        };
        let (born, revision) = (entity.born, entity.revision);
        let pin = Pin { key, revision };
        let Some(action) = self.documents.now(ledger, &pin)? else {
            return Ok(Look::Read(vec![pin]));
        };
        let mut looker = Looker {
            controller: self,
            ledger,
            caller,
            unread: Vec::new(),
            foreign: Vec::new(),
            room: MAX_SEQUENCE + 1,
            cannot: None,
        };
        let target = looker.target(name, pin, born, &action, 0)?;
        if !looker.unread.is_empty() {
            return Ok(Look::Read(looker.unread));
        }
        entitlement::may_use_all(caller, &looker.foreign)?;
        overrides_final(&action, arguments)?;
        looker.cannot.map_or_else(|| Ok(Look::Known(target)), Err)
    }
}

impl Looker<'_> {
    fn target(
        &mut self,
        name: &QualifiedName,
        pin: Pin,
        born: Offset,
        action: &Arc<Known>,
        depth: usize,
    ) -> Result<Target, Error> {
        let runtimes = &self.controller.runtimes;
        let step = action.step(|action| step(name, pin, born, action, runtimes));
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
            steps.extend(self.component(component, depth + 1)?);
        }
        let step = Step::clone(&step);
        let deadline = deadline_of(&step);
        Ok(Target::Sequence(Arc::new(Sequence { step, steps, deadline })))
    }

    /// A component; `None` while its document is not read.
    fn component(&mut self, text: &str, depth: usize) -> Result<Option<Target>, Error> {
        // Stored names were checked when they were stored.
        let Ok(name) = QualifiedName::parse(text, &self.caller.namespace) else {
            return Ok(None);
        };
        if name.namespace != self.caller.namespace {
            self.foreign.push(name);
            return Ok(None);
        }
        let key = EntityKey::named(&name.namespace, &name.path);
        let entity = self.ledger.entity(&key).filter(|_| depth < MAX_DEPTH);
        let Some((born, revision)) = entity.map(|entity| (entity.born, entity.revision)) else {
            self.room = self.room.saturating_sub(1);
            return Ok(Some(Target::Action(Arc::new(absent(&name, key)))));
        };
        let pin = Pin { key, revision };
        match self.controller.documents.now(self.ledger, &pin)? {
            None => {
                self.unread.push(pin);
                Ok(None)
            }
            Some(action) => self.target(&name, pin, born, &action, depth).map(Some),
        }
    }
}

/// Why there is no such action: the package's absence is told like that of the action itself.
fn missing(ledger: &Ledger, name: &QualifiedName) -> Error {
    let Some(package) = &name.path.package else { return Error::NotFound };
    let path = EntityPath { package: None, name: package.clone() };
    // No package can be stored yet: whatever has the name is something else.
    match ledger.entity(&EntityKey::named(&name.namespace, &path)) {
        Some(_) => Error::OtherKind,
        None => Error::NotFound,
    }
}

fn step(
    name: &QualifiedName,
    pin: Pin,
    born: Offset,
    action: &Action,
    runtimes: &Runtimes,
) -> Step {
    let kind = action.exec.kind();
    let driver = driver_of(action);
    Step {
        action: pin,
        born,
        beneath: Vec::new(),
        path: name.to_string(),
        binding: None,
        version: action.version.to_string(),
        kind: kind.to_owned(),
        limits: action.limits,
        retry: retry_of(action),
        guarded: runtimes.available(kind, driver.as_deref()).is_ok_and(|driver| driver.guarded),
    }
}

/// What stands in the place of a component that does not exist: nothing of it is ever present.
fn absent(name: &QualifiedName, key: EntityKey) -> Step {
    Step {
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

/// Parameters that have a value in the action cannot be overridden if it is `final`.
fn overrides_final(action: &Action, arguments: &Json) -> Result<(), Error> {
    let is_final = action.annotations.get("final").is_some_and(|value| value.as_str() == "true");
    if !is_final {
        return Ok(());
    }
    let fixed = |name: &str| {
        let value = action.parameters.get(name);
        value.is_some_and(|value| value.kind() != model::json::Kind::Null)
    };
    let members = arguments.members().unwrap_or_default();
    if members.iter().any(|(name, _)| fixed(name)) { Err(Error::Final) } else { Ok(()) }
}

/// How long a sequence may run as a whole: its own time limit, where somebody set one. The default
/// is not enforced: upstream ignores it, and a pipeline of slow steps would die of it.
fn deadline_of(step: &Step) -> Option<Millis> {
    let limit = step.limits.timeout;
    (limit != ActionLimits::default().timeout).then_some(limit)
}
