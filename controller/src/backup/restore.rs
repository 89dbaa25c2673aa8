//! A data folder from a backup: every byte is checked before the folder counts.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicU64;

use log::folder;
use log::lock::{LOCK, Lock, LockError};
use model::id::{Digest, Offset};
use model::time::WallTime;
use store::blobs::digest_of;

use super::copy::Copier;
use super::{Failed, LIST};

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The last record in it.
    pub offset: Offset,
    /// When it was made.
    pub made: WallTime,
    files: Vec<Listed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    bytes: u64,
    digest: Digest,
    name: String,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no backup, or half of one.
    #[error(
        "{path} is no backup, or one that did not come to its end: it has no {what}. Nothing was \
         restored; name a folder that `quirl backup` filled",
        path = path.display()
    )]
    NoBackup {
        /// What was named.
        path: PathBuf,
        /// The file that is missing or makes no sense.
        what: &'static str,
    },
    /// A file is not as it was.
    #[error(
        "{path} is damaged: {name} is not as it was when the backup was made. Nothing was \
         restored; take another backup",
        path = path.display()
    )]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// Which file.
        name: String,
    },
    /// The data folder is in use.
    #[error(
        "{path} is not empty. Nothing was restored; name another folder with --data, or move this \
         one away first",
        path = path.display()
    )]
    NotEmpty {
        /// The data folder.
        path: PathBuf,
    },
    /// A server has the data folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system refused.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// What the backup in a folder holds, as its list says.
///
/// # Errors
/// [`Error::NoBackup`], [`Error::Failed`].
pub fn contents(backup: &Path) -> Result<Contents, Error> {
    let none = |what| Error::NoBackup { path: backup.to_owned(), what };
    let read = |name: &'static str| match fs::read(backup.join(name)) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(none(name)),
        Err(error) => Err(Failed::io("read", &backup.join(name))(error).into()),
    };
    let format = read(folder::FORMAT)?;
    if format != folder::format_text() {
        return Err(none("FORMAT that this program knows"));
    }
    parse(&read(LIST)?).ok_or_else(|| none("whole BACKUP"))
}

/// Reads a list; `None` if it is not whole.
fn parse(text: &str) -> Option<Contents> {
    let (list, end) = text.trim_end().rsplit_once("\nend ")?;
    let digest = digest_of(format!("{list}\n").as_bytes());
    let mut lines = list.lines();
    let is_whole = end.parse() == Ok(digest) && lines.next() == Some("quirl-backup 1");
    let offset = Offset(lines.next()?.strip_prefix("offset ")?.parse().ok()?);
    let made = WallTime(lines.next()?.strip_prefix("made ")?.parse().ok()?);
    let files: Option<Vec<Listed>> = lines.map(listed).collect();
    Some(Contents { offset, made, files: files? }).filter(|_| is_whole)
}

fn listed(line: &str) -> Option<Listed> {
    let mut words = line.strip_prefix("file ")?.splitn(3, ' ');
    let (bytes, digest, name) = (words.next()?, words.next()?, words.next()?);
    let is_inside = Path::new(name).components().all(|it| matches!(it, Component::Normal(_)));
    let listed =
        Listed { bytes: bytes.parse().ok()?, digest: digest.parse().ok()?, name: name.to_owned() };
    Some(listed).filter(|_| is_inside)
}

/// Makes the data folder `data` of the backup in a folder. Blocks.
///
/// # Errors
/// [`Error`]; what was written until then is removed again.
pub fn restore(backup: &Path, data: &Path) -> Result<Contents, Error> {
    let contents = contents(backup)?;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(Failed::io("make", data))?;
    // Of a folder that is another's not even the lock is touched.
    if !is_empty(data)? && !data.join(folder::FORMAT).exists() {
        return Err(Error::NotEmpty { path: data.to_owned() });
    }
    let _lock = Lock::acquire(data, "quirld restore")?;
    if !is_empty(data)? {
        return Err(Error::NotEmpty { path: data.to_owned() });
    }
    let copied = AtomicU64::new(0);
    let copier = Copier::new(data, &copied);
    let restored = copy(backup, &copier, &contents);
    if restored.is_err() {
        copier.remove();
    }
    restored.map(|()| contents)
}

/// Whether nothing but a lock is in a folder.
fn is_empty(data: &Path) -> Result<bool, Failed> {
    for entry in fs::read_dir(data).map_err(Failed::io("list", data))? {
        if entry.map_err(Failed::io("list", data))?.file_name() != LOCK {
            return Ok(false);
        }
    }
    Ok(true)
}

fn copy(backup: &Path, copier: &Copier<'_>, contents: &Contents) -> Result<(), Error> {
    // First: until there is a FORMAT, it says that this was not the end.
    let mark = format!("offset {}\nmade {}\n", contents.offset, contents.made.0);
    copier.write(folder::RESTORED, mark.as_bytes())?;
    for file in &contents.files {
        let (bytes, digest) = match copier.file(&backup.join(&file.name), &file.name) {
            Err(Failed::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                (0, Digest([0; 32]))
            }
            other => other?,
        };
        if (bytes, digest) != (file.bytes, file.digest) {
            let (path, name) = (backup.to_owned(), file.name.clone());
            return Err(Error::Damaged { path, name });
        }
    }
    Ok(copier.finish(contents.files.iter().map(|file| file.name.as_str()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let digest = Digest([7; 32]);
        let list =
            format!("quirl-backup 1\noffset 9\nmade 12\nfile 3 {digest} ledger/00/a b.seg\n");
        let end = digest_of(list.as_bytes());
        let whole = format!("{list}end {end}\n");
        let contents = parse(&whole).unwrap();
        assert_eq!((contents.offset, contents.made), (Offset(9), WallTime(12)));
        let name = "ledger/00/a b.seg".to_owned();
        assert_eq!(contents.files, [Listed { bytes: 3, digest, name }]);
        for changed in [list, whole.replace("file 3", "file 4"), whole.replace("9", "8")] {
            assert_eq!(parse(&changed), None, "{changed}");
        }
        assert_eq!(listed(&format!("file 3 {digest} ../x")), None);
        assert_eq!(listed(&format!("file 3 {digest} /x")), None);
    }
}
