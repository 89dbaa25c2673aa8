//! REST documents as clients see them, and a typed client.
//!
//! Stored, sent and served forms are separate types: what is stored is in `model`, the forms on
//! the wire are here, and each module says how one becomes the other. Nothing here decides what
//! to answer; whoever serves does.
//!
//! Documents are compact JSON with their members in the order of `rest-api.md`.

pub mod activation;
pub mod admin;
pub mod client;
pub mod entity;
pub mod error;
pub mod stats;
pub mod transaction;

pub use self::client::Client;
