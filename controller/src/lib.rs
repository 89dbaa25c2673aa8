//! The controller: REST API, entitlement, placement, the owner of the partition.
//!
//! A request comes in through [`http`], becomes an activation in [`invoke`], is signed by
//! [`owner`], and ends when the record that ended it was read back. What decides is in files
//! called `step` and in [`placement`]; the rest touches the world and decides nothing.

pub mod config;
pub mod dispatch;
pub mod entitlement;
pub mod http;
pub mod index_writer;
pub mod invoke;
pub mod owner;
pub mod placement;
pub mod read;
pub mod runtimes;
pub mod snapshotter;
pub mod waiters;
pub mod write;
