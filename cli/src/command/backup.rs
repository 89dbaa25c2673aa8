//! `quirl backup`
//!
//! Source: `own-api.md` §9.

use std::time::Duration;

use crate::args::Connection;
use crate::args::admin::Backup;
use crate::error::{About, Error};
use crate::output::Output;
use crate::profile::Environment;

use super::admin::connect;

/// Between two looks at how far it is.
const PAUSE: Duration = Duration::from_millis(200);
/// The exit code when the server tells that it failed.
const FAILED: u8 = 1;

/// Begins it and waits for its end.
pub(super) async fn run(
    asked: &Backup,
    connection: &Connection,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Error> {
    let admin = connect(&asked.door, connection, environment)?;
    // A server at an address has folders of its own: what is relative there, it says itself.
    let folder = match asked.door.admin_host {
        Some(_) => asked.folder.clone(),
        None => std::path::absolute(&asked.folder).unwrap_or_else(|_| asked.folder.clone()),
    };
    let folder = folder.to_string_lossy().into_owned();
    let failed =
        |error| Error::call(format!("Unable to back up into '{folder}'"), About::Backup, error);
    let mut backup = admin.start_backup(&folder).await.map_err(failed)?;
    let id = backup.backup.clone();
    if asked.no_wait {
        output.ok(format_args!("began backup {id} into {folder}"));
        return Ok(0);
    }
    let mut told = None;
    while backup.state == "running" {
        if backup.done != told {
            told = backup.done;
            output.aside(format_args!("backup {id}: {} %", told.unwrap_or_default()));
        }
        tokio::time::sleep(PAUSE).await;
        backup = admin.backup(&id).await.map_err(failed)?;
    }
    match backup.error {
        None => {
            let (offset, bytes) = (backup.offset.unwrap_or(0), backup.bytes.unwrap_or(0));
            output
                .ok(format_args!("backed up into {folder}: {bytes} bytes, up to record {offset}"));
            output.aside(format_args!("A data folder from it: quirld restore {folder} --data NEW"));
            Ok(0)
        }
        Some(error) => {
            output.aside(format_args!("The backup into {folder} failed: {error}"));
            output.aside("What was written there is no backup; remove it, and try again.");
            Ok(FAILED)
        }
    }
}
