//! Scripts: JavaScript in a fresh instance of one engine.
//!
//! The engine is a module of ours ([`ENGINE`]), whose memory begins with its library evaluated. A
//! script is evaluated in a fresh instance of it; if nothing it did on the way could come out
//! otherwise the next time, the pages that it changed are its [`image::Image`], and every later call
//! begins from a copy of them. Its `main` is called once, then the instance is gone.
//!
//! Source: `design.md` §6, `action-runtime.md` §§10, 18.8; the guest's side: `runtimes/javascript`.

mod code;
mod engine;
mod host;
mod image;
mod requests;
mod run;
mod shelf;

pub(crate) use self::engine::{ENGINE, Lacking, Make, Ready, Scripts, digest};
pub(crate) use self::host::{Guest, offer};
pub(crate) use self::requests::Outgoing;
#[cfg(test)]
pub(crate) use self::run::SEEDS;
pub(crate) use self::run::run;

/// The kind that is run here.
pub(crate) const KIND: &str = "nodejs:20";

/// Whether actions of this kind are scripts.
pub(crate) fn is_script(kind: &str) -> bool {
    kind == KIND
}
