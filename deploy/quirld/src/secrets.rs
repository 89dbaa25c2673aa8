//! The files in `secrets/`: made before they are needed, readable for nobody else.
//!
//! `guest.auth` is of the first start alone. The other two are made whenever they are missing: a folder
//! of an earlier program has none, and a new one changes nothing but minted keys, or the token.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use controller::admin::Token;
use daemon::random::Random;

/// What keys are minted under: 32 bytes.
const MASTER: &str = "master.key";
/// What an administrator says who comes over TCP.
const TOKEN: &str = "admin.token";

/// Makes a secret of its own, unless it is there: whole or not at all.
pub(crate) fn make(path: &Path, secret: impl FnOnce() -> Vec<u8>) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let new = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&secret())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Makes those that any start makes.
pub(crate) fn make_missing(secrets: &Path, random: &Random) -> io::Result<()> {
    make(&secrets.join(MASTER), || random.bytes::<32>().to_vec())?;
    make(&secrets.join(TOKEN), || {
        format!("{}\n", controller::admin::key::make(random).secret()).into_bytes()
    })
}

/// The master key.
pub(crate) fn master(secrets: &Path) -> Result<[u8; 32]> {
    let path = secrets.join(MASTER);
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    <[u8; 32]>::try_from(bytes).map_err(|bytes| {
        anyhow::anyhow!(
            "{} holds {} bytes and should hold 32: restore it from a backup; or delete it, and the \
             keys of running actions change",
            path.display(),
            bytes.len()
        )
    })
}

/// The token.
pub(crate) fn token(secrets: &Path) -> Result<Token> {
    let path = secrets.join(TOKEN);
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    if text.trim().is_empty() {
        bail!("{} is empty: delete it, and the next start makes a new one", path.display());
    }
    Ok(Token::new(&text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_for_their_owner_alone() {
        let folder = std::env::temp_dir().join(format!("quirl-secrets-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let random = Random::seeded(1);
        make_missing(&folder, &random).unwrap();
        let first = master(&folder).unwrap();
        token(&folder).unwrap();
        make_missing(&folder, &random).unwrap();
        assert_eq!(master(&folder).unwrap(), first);
        for name in [MASTER, TOKEN] {
            let mode = fs::metadata(folder.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        fs::write(folder.join(MASTER), b"short").unwrap();
        assert!(master(&folder).unwrap_err().to_string().contains("holds 5 bytes"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
