//! What every long-running process of Quirl does the same way.
//!
//! The only crate that asks for the time ([`clock`]), draws random numbers ([`random`]) and looks
//! at the environment ([`config`]); everybody else gets values or handles, so that a simulator or a
//! test can give others. It decides nothing about the platform.

pub mod config;

pub mod telemetry;

pub mod metrics;

pub mod shutdown;

pub mod clock;
pub mod memory;
pub mod random;
