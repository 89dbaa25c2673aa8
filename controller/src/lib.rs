//! The controller: REST API, entitlement, placement, the owner of the partition.
//!
//! A request comes in through [`http`], becomes an activation in [`invoke`], is signed by
//! [`owner`], and ends when the record that ended it was read back. What decides is in files
//! called `step` and in [`placement`]; the rest touches the world and decides nothing.

pub mod admin;
pub mod backup;
pub mod config;
pub mod dispatch;
pub mod entitlement;
pub mod fire;
pub mod http;
pub mod index_writer;
pub mod invoke;
pub mod minted;
pub mod owner;
pub mod placement;
pub mod read;
pub mod retention;
pub mod runtimes;
pub mod snapshotter;
pub mod waiters;
pub mod write;

use std::sync::Arc;

use daemon::clock::Clock;
use daemon::metrics::Metrics;
use daemon::random::Random;
use store::blobs::Blobs;

use backup::Backups;
use config::Config;
use entitlement::rate::Rates;
use index_writer::IndexReader;
use minted::Minter;
use owner::Partition;
use read::Documents;
use runtimes::{Inspector, Runtimes};

/// Everything that a handler needs; shared by all of them.
pub struct Controller {
    /// The owner of what is asked for.
    pub partition: Partition,
    /// Ended activations.
    pub index: IndexReader,
    /// Large parts.
    pub blobs: Blobs,
    /// Parsed documents.
    pub documents: Documents,
    /// Requests of this minute.
    pub rates: Rates,
    /// Keys of actions.
    pub minter: Arc<Minter>,
    /// Copies of the data folder.
    pub backups: Arc<Backups>,
    /// Kinds.
    pub runtimes: Arc<Runtimes>,
    /// Looks into code.
    pub inspector: Arc<dyn Inspector>,
    /// Bounds and deadlines.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// Chance.
    pub random: Random,
    /// What is measured.
    pub metrics: Arc<Metrics>,
}
