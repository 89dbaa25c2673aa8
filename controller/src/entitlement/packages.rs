//! What a name in a package leads to, and whether the caller may follow it.
//!
//! A package is its owner's; one that is published is everybody's to use. A binding is its owner's
//! alone, and leads on to its provider for as long as the owner may use that. Refusals never tell
//! whether something foreign exists.
//!
//! Source: `rest-api.md` §§1.3, 6.3.

use std::sync::Arc;

use ledger::record::{EntityKey, Pin};
use model::name::{EntityName, EntityPath, Namespace, QualifiedName};
use model::package::{Bound, Package};
use model::parameters::Parameters;

use super::Denied;
use crate::read::documents::{Seen, Stop, Unreadable, View};

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum Astray {
    /// There is no such package, or the provider is gone; in the caller's own namespace.
    #[error("the package does not exist")]
    NotFound,
    /// The name of the package, in the caller's own namespace, is that of something else.
    #[error("the name is that of another kind of entity")]
    OtherKind,
    /// The caller may not use this resource.
    #[error("{0} may not be used")]
    Denied(String),
    /// A document cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// A package that the caller may use.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name.
    pub name: Bound,
    /// The package itself.
    pub seen: Seen,
    /// Its document.
    pub package: Arc<Package>,
    /// The binding that led to it, if one did.
    pub through: Option<Through>,
}

/// A binding that was followed.
#[derive(Clone, Debug)]
pub struct Through {
    /// Its name.
    pub name: Bound,
    /// The binding itself.
    pub seen: Seen,
    /// Its document.
    pub binding: Arc<Package>,
}

/// Where an action is.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Its own name: of a binding, the provider's.
    pub name: QualifiedName,
    /// The package that it is in, if it is in one.
    pub provider: Option<Provider>,
}

impl Provider {
    /// The name of an action in it.
    #[must_use]
    pub fn within(&self, name: &EntityName) -> QualifiedName {
        let package = Some(self.name.name.clone());
        let path = EntityPath { package, name: name.clone() };
        QualifiedName { namespace: self.name.namespace.clone(), path }
    }

    /// All parameters that lie beneath those of its actions.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        match &self.through {
            Some(through) => self.package.parameters.merged_with(&through.binding.parameters),
            None => self.package.parameters.clone(),
        }
    }

    /// What carries them, in order.
    #[must_use]
    pub fn pins(&self) -> Vec<Pin> {
        let through = self.through.as_ref().map(|through| through.seen.pin.clone());
        std::iter::once(self.seen.pin.clone()).chain(through).collect()
    }
}

impl Provider {
    /// Whether whoever acts for `own` may read it, where what is shared may only be used.
    ///
    /// # Errors
    /// [`Denied::ExecuteOnly`].
    pub fn may_read(&self, own: &Namespace) -> Result<(), Denied> {
        if self.name.namespace == *own {
            return Ok(());
        }
        Err(Denied::ExecuteOnly(match &self.through {
            None => format!("GET not permitted for '{}' since it's a shared package", self.name),
            Some(through) => {
                format!("GET not permitted since {} is a binding of a shared package", through.name)
            }
        }))
    }

    /// The same of an action in it, which was asked for as `name`.
    ///
    /// # Errors
    /// [`Denied::ExecuteOnly`].
    pub fn may_read_action(&self, own: &Namespace, name: &QualifiedName) -> Result<(), Denied> {
        if self.name.namespace == *own {
            return Ok(());
        }
        Err(Denied::ExecuteOnly(match &self.through {
            None => {
                let package = &self.name;
                format!(
                    "GET not permitted for '{package}' since it's an action in a shared package"
                )
            }
            Some(_) => format!(
                "GET not permitted for '{name}'. Resource does not exist or is an action in a \
                 shared package binding."
            ),
        }))
    }
}

impl Reached {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> EntityKey {
        EntityKey::named(&self.name.namespace, &self.name.path)
    }

    /// What carries the parameters that lie beneath its own.
    #[must_use]
    pub fn beneath(&self) -> Vec<Pin> {
        self.provider.as_ref().map(Provider::pins).unwrap_or_default()
    }

    /// The binding that led to it, if one did.
    #[must_use]
    pub fn binding(&self) -> Option<&Bound> {
        Some(&self.provider.as_ref()?.through.as_ref()?.name)
    }
}

/// The package that `name` leads to, for whoever acts for `own`.
///
/// # Errors
/// [`Astray`].
pub fn provider(
    view: &mut View<'_>,
    own: &Namespace,
    name: &Bound,
) -> Result<Provider, Stop<Astray>> {
    let is_own = name.namespace == *own;
    let denied = || Astray::Denied(name.to_string());
    let gone = |is_own: bool| if is_own { Astray::NotFound } else { denied() };
    let seen = get(view, name)?.ok_or_else(|| gone(is_own))?;
    let Some(package) = seen.known.package().cloned() else {
        return Err(if is_own { Astray::OtherKind } else { denied() }.into());
    };
    let Some(bound) = &package.binding else {
        if !is_own && !package.publish {
            return Err(denied().into());
        }
        return Ok(Provider { name: name.clone(), seen, package, through: None });
    };
    if !is_own {
        return Err(denied().into());
    }
    let is_own = bound.namespace == *own;
    let found = get(view, bound)?.ok_or_else(|| gone(is_own))?;
    // What was made in its place and is no provider is as good as gone.
    let provider = found.known.package().filter(|found| found.binding.is_none()).cloned();
    let provider = provider.ok_or_else(|| gone(is_own))?;
    if !is_own && !provider.publish {
        return Err(denied().into());
    }
    let name_of_provider = bound.clone();
    let through = Through { name: name.clone(), seen, binding: package };
    Ok(Provider { name: name_of_provider, seen: found, package: provider, through: Some(through) })
}

/// Where the action of this name is, for whoever acts for `own`; whether it exists is not asked.
///
/// # Errors
/// [`Astray`].
pub fn reach(
    view: &mut View<'_>,
    own: &Namespace,
    name: &QualifiedName,
) -> Result<Reached, Stop<Astray>> {
    let Some(package) = &name.path.package else {
        return if name.namespace == *own {
            Ok(Reached { name: name.clone(), provider: None })
        } else {
            Err(Astray::Denied(name.to_string()).into())
        };
    };
    let package = Bound { namespace: name.namespace.clone(), name: package.clone() };
    let provider = provider(view, own, &package)?;
    Ok(Reached { name: provider.within(&name.path.name), provider: Some(provider) })
}

fn get(view: &mut View<'_>, name: &Bound) -> Result<Option<Seen>, Stop<Astray>> {
    let path = EntityPath { package: None, name: name.name.clone() };
    view.get(&EntityKey::named(&name.namespace, &path))
}
