//! The namespace `guest`: its key is made before the first start is complete, its entities are the
//! first `Write` of a ledger. Later starts never make them again, so a deleted `guest` stays deleted.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use controller::owner::Partition;
use controller::owner::proposal::{Bound, Change, Proposal, Rejected};
use controller::read::identities;
use daemon::clock::Clock;
use daemon::random::Random;
use ledger::record::{EntityKey, Expect, Mark};
use model::identity::{AccessKey, Key, Subject};
use model::limits::Overrides;
use model::name::Namespace;

use crate::secrets;

/// The file with `uuid:secret`, in `secrets/`.
const FILE: &str = "guest.auth";
/// The name of subject and namespace.
const GUEST: &str = "guest";

/// How long the first write may take.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// Makes the file with the key, unless it is there.
pub(crate) fn make_key(secrets: &Path, random: &Random) -> io::Result<()> {
    secrets::make(&secrets.join(FILE), || {
        format!("{}\n", controller::admin::key::make(random).reveal()).into_bytes()
    })
}

/// Writes subject, namespace, key and limits of `guest`, if nothing was ever written.
pub(crate) async fn write_first(
    partition: &Partition,
    secrets: &Path,
    limits: Overrides,
    clock: &Clock,
) -> Result<()> {
    if partition.read(ledger::fold::Ledger::has_written) {
        return Ok(());
    }
    let path = secrets.join(FILE);
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("read the key of guest from {}", path.display()))?;
    let Ok(whole) = Key::parse(text.trim()) else {
        bail!(
            "{} does not hold <uuid>:<64 characters>; delete it, and a new key is made at the \
             first start of an empty data folder",
            path.display()
        );
    };
    let namespace = Namespace::new(GUEST)?;
    let created = Some(clock.wall());
    let key = AccessKey {
        secret: store::blobs::digest_of(whole.secret().as_bytes()),
        subject: GUEST.to_owned(),
        namespace: namespace.clone(),
        created,
    };
    let namespaces = vec![namespace.clone()];
    let subject = Subject { name: GUEST.to_owned(), blocked: false, created, namespaces };
    let ops = vec![
        identities::put_subject(&subject),
        identities::put_owner(&namespace, GUEST),
        identities::put_access_key(whole.user(), &key),
        identities::put_overrides(&namespace, &limits),
    ];
    let absent = |key| Expect { key, mark: Mark::Absent };
    let expect = vec![absent(EntityKey::subject(GUEST)), absent(EntityKey::namespace(&namespace))];
    let change = Change { ops, expect, by: "sid_firstStart".to_owned() };
    let written = partition.propose(Proposal::Write(change)).await;
    // The disk may be slow; nothing was promised to anybody yet.
    let until = clock.now() + PATIENCE;
    while written == Err(Rejected::Unknown) && clock.now() < until {
        if partition.read(ledger::fold::Ledger::has_written) {
            return Ok(());
        }
        clock.sleep(PAUSE).await;
    }
    match written {
        Ok(_) => Ok(()),
        Err(Rejected::Bound(Bound::DiskFull)) => bail!(
            "less is free on the disk of {} than stays free for what is open (`disk-floor` in \
             `[ledger]`, 256 MiB unless it is set): free some space and start again, or set it lower",
            secrets.parent().unwrap_or(secrets).display()
        ),
        Err(rejected) => Err(rejected).context("write the namespace guest, at the first start"),
    }
}
