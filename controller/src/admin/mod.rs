//! The admin API.
pub mod key;
