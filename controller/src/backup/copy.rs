//! Copies files into the folder of a backup, or out of it, and says what their bytes are.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use log::folder;
use model::id::{Digest, Offset};
use model::time::WallTime;
use sha2::{Digest as _, Sha256};
use store::blobs::digest_of;

use super::{Failed, LIST};

/// So much is read at once.
const PIECE: usize = 1 << 20;

/// A file of a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its place in the folder.
    pub(super) name: String,
    /// How long it is, as far as is known before it is copied.
    pub(super) bytes: u64,
}

impl Item {
    /// A file of this folder.
    pub(super) fn of(data: &Path, path: PathBuf) -> io::Result<Self> {
        let bytes = fs::metadata(&path)?.len();
        let name = path.strip_prefix(data).unwrap_or(&path).to_string_lossy().into_owned();
        Ok(Self { path, name, bytes })
    }
}

/// The files in a folder and those below it. One that goes away meanwhile is not among them, nor is
/// what has no name yet: a folder `new`, and sockets.
pub(super) fn files_below(data: &Path, folder: &Path, items: &mut Vec<Item>) -> Result<(), Failed> {
    for entry in fs::read_dir(folder).map_err(Failed::io("list", folder))? {
        let entry = entry.map_err(Failed::io("list", folder))?;
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && entry.file_name() != "new" {
            files_below(data, &path, items)?;
        } else if kind.is_file() {
            match Item::of(data, path.clone()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                item => items.push(item.map_err(Failed::io("look at", &path))?),
            }
        }
    }
    Ok(())
}

/// Copies into a folder.
pub(super) struct Copier<'a> {
    target: &'a Path,
    /// Bytes, for whoever asks how far it is.
    copied: &'a AtomicU64,
    made: RefCell<Vec<PathBuf>>,
}

impl<'a> Copier<'a> {
    /// Into `target`, which is there.
    pub(super) fn new(target: &'a Path, copied: &'a AtomicU64) -> Self {
        Self { target, copied, made: RefCell::default() }
    }

    /// Removes what was made, as far as it can be: half a copy is of no use to anybody.
    pub(super) fn remove(&self) {
        for file in self.made.take() {
            let _ = fs::remove_file(&file);
            for folder in file.ancestors().skip(1).take_while(|it| *it != self.target) {
                // One that still holds something stays.
                let _ = fs::remove_dir(folder);
            }
        }
    }

    /// Copies these and then the rest, which is looked for only then; says what there is, and makes it
    /// a data folder. Returns the bytes.
    pub(super) fn run(
        &self,
        first: &[Item],
        rest: impl FnOnce() -> Result<Vec<Item>, Failed>,
        at: Offset,
        made: WallTime,
    ) -> Result<u64, Failed> {
        let mut list = format!("quirl-backup 1\noffset {at}\nmade {}\n", made.0);
        let mut bytes = 0;
        let mut copy = |items: &[Item]| {
            for item in items {
                let (length, digest) = self.file(&item.path, &item.name)?;
                bytes += length;
                let _infallible = writeln!(list, "file {length} {digest} {}", item.name);
            }
            Ok::<_, Failed>(())
        };
        copy(first)?;
        let rest = rest()?;
        copy(&rest)?;
        let digest = digest_of(list.as_bytes());
        let _infallible = writeln!(list, "end {digest}");
        self.write(LIST, list.as_bytes())?;
        self.finish(first.iter().chain(&rest).map(|item| item.name.as_str()))?;
        Ok(bytes)
    }

    /// Syncs the folders of these files, then writes `FORMAT`.
    pub(super) fn finish<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<(), Failed> {
        let folders: BTreeSet<&Path> =
            names.flat_map(|name| Path::new(name).ancestors().skip(1)).collect();
        // The target itself is the last of them.
        for folder in folders.iter().rev() {
            let folder = self.target.join(folder);
            folder::sync(&folder).map_err(Failed::io("sync", &folder))?;
        }
        // It may be new as well, and those above it.
        let target = self.target.canonicalize().map_err(Failed::io("look at", self.target))?;
        for above in target.ancestors().skip(1) {
            // One that may not be opened was not made here.
            let _ = folder::sync(above);
        }
        self.write(folder::FORMAT, folder::format_text().as_bytes())?;
        folder::sync(self.target).map_err(Failed::io("sync", self.target))
    }

    /// Copies one file, synced; returns its length and what its bytes are.
    pub(super) fn file(&self, from: &Path, name: &str) -> Result<(u64, Digest), Failed> {
        let mut source = File::open(from).map_err(Failed::io("read", from))?;
        let to = self.target.join(name);
        let mut target = self.create(&to)?;
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut length = 0;
        loop {
            let read = source.read(&mut piece).map_err(Failed::io("read", from))?;
            if read == 0 {
                break;
            }
            hash.update(&piece[..read]);
            target.write_all(&piece[..read]).map_err(Failed::io("write", &to))?;
            length += read as u64;
            self.copied.fetch_add(read as u64, Ordering::Relaxed);
        }
        target.sync_all().map_err(Failed::io("sync", &to))?;
        Ok((length, Digest(hash.finalize().into())))
    }

    /// A file with these bytes, synced.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failed> {
        let to = self.target.join(name);
        let mut file = self.create(&to)?;
        file.write_all(bytes).map_err(Failed::io("write", &to))?;
        file.sync_all().map_err(Failed::io("sync", &to))
    }

    /// A new file that only its owner may read, with the folders above it.
    fn create(&self, path: &Path) -> Result<File, Failed> {
        if let Some(above) = path.parent().filter(|above| *above != self.target) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(above);
            made.map_err(Failed::io("make", above))?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(path).map_err(Failed::io("make", path))?;
        self.made.borrow_mut().push(path.to_owned());
        Ok(file)
    }
}
