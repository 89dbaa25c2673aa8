//! The edge: connections and their bounds, transaction ids, what no handler should have to see.
//!
//! In one process the gateway is a `tower::Service` around the controller's. It promises to what
//! stands behind it that a request has exactly one `X-Request-ID`, a URI and a body within the bounds,
//! and to its clients that whatever is refused here has the error body of the API.
//!
//! Source: `rest-api.md` §§1.4, 1.7; `own.tsv`, "Bound: connections".

mod body;
mod config;
mod listen;
mod refuse;
mod request;
mod timer;

pub use body::Passed;
pub use config::Config;
pub use listen::{Error, Listener, serve};
