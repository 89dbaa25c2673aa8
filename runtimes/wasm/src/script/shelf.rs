//! Scripts that were evaluated before: in memory, bounded in bytes, and their images on the disk.
//!
//! A file holds one image, behind a checksum and compressed. Derived: any of them may be deleted, and
//! a damaged one is made again. Which engine it belongs to stands in its name; those of other
//! engines are removed when the folder is opened.
//!
//! ```text
//! "QUIRLJS1"  crc32c of the rest  length of main (u32)  main  files (u8)  zstd { image }
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use model::id::Digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::code::Code;
use super::image::{self, Image};

const MAGIC: &[u8; 8] = b"QUIRLJS1";
const HEADER: usize = 16;
/// Fast: images are made while somebody waits for them.
const LEVEL: i32 = 1;
/// No file unpacks to more: the largest image and its ranges.
const MOST_IMAGE: usize = image::MOST * 2;
/// Images that wait to be written, bytes.
const MOST_WAITING: usize = 64 << 20;
/// What an entry takes beside what it holds.
const AROUND: u64 = 256;

/// Which script: its code, and the name of its entry, which is a part of what is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) code: Digest,
    pub(crate) main: String,
}

/// A script that was evaluated before.
#[derive(Debug)]
pub(crate) struct Script {
    /// Whether it was evaluated to its end.
    pub(crate) is_evaluated: bool,
    /// `None`: it has to be evaluated in every instance.
    pub(crate) image: Option<Image>,
    /// `None`: it is not needed any more.
    pub(crate) code: Option<Arc<Code>>,
}

impl Script {
    fn bytes(&self) -> usize {
        let image = self.image.as_ref().map_or(0, Image::bytes);
        image + self.code.as_ref().map_or(0, |code| code.bytes())
    }
}

#[derive(Clone, Copy, Debug)]
struct Weigh;

impl Weighter<Key, Arc<Script>> for Weigh {
    fn weight(&self, _: &Key, script: &Arc<Script>) -> u64 {
        AROUND + script.bytes() as u64
    }
}

/// All of them.
pub(crate) struct Shelf {
    resident: Cache<Key, Arc<Script>, Weigh>,
    folder: PathBuf,
    /// Tells engines apart.
    engine: String,
    written: AtomicU64,
    /// Bytes of images that wait to be written.
    waiting: Arc<AtomicUsize>,
    /// Bytes of all files, and how many there may be.
    on_disk: AtomicU64,
    most_on_disk: u64,
}

impl Shelf {
    /// Uses `folder`, which is made. `most` bytes are held in memory, and `most_on_disk` in files.
    pub(crate) fn open(
        folder: PathBuf,
        engine: String,
        most: u64,
        most_on_disk: u64,
    ) -> std::io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut on_disk = 0;
        for entry in fs::read_dir(&folder)?.filter_map(Result::ok) {
            if is_of(&entry.path(), &engine) {
                on_disk += entry.metadata().map_or(0, |metadata| metadata.len());
            } else {
                let _ = fs::remove_file(entry.path());
            }
        }
        // How many there will be is a guess that only spreads them well.
        let resident = Cache::with_weighter(10_000, most, Weigh);
        Ok(Self {
            resident,
            folder,
            engine,
            written: AtomicU64::new(0),
            waiting: Arc::default(),
            on_disk: AtomicU64::new(on_disk),
            most_on_disk,
        })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Script>> {
        self.resident.get(key)
    }

    pub(crate) fn keep(&self, key: Key, script: Arc<Script>) {
        self.resident.insert(key, script);
    }

    #[cfg(test)]
    pub(crate) fn forget_all(&self) {
        self.resident.clear();
    }

    fn path(&self, key: &Key) -> PathBuf {
        let main = crc32c::crc32c(key.main.as_bytes());
        self.folder.join(format!("{}-{main:08x}-{}.img", key.code, self.engine))
    }

    /// Whether there is an image on the disk; it was not looked into.
    pub(crate) fn has_image(&self, key: &Key) -> bool {
        self.path(key).exists()
    }

    /// The image on the disk, if there is one that can be used, and whether calls from it look at
    /// files of their archive.
    pub(crate) fn read(&self, key: &Key) -> Option<(Image, bool)> {
        let path = self.path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(code = %key.code, %error, "an image cannot be read and is made again");
                return None;
            }
        };
        match parse(&bytes, &key.main) {
            Ok(image) => image,
            Err(reason) => {
                tracing::warn!(code = %key.code, reason, "an image is damaged and is made again");
                None
            }
        }
    }

    /// Makes room for an image that will be written; `None` if too much waits already. It is made
    /// again then when it is needed again.
    pub(crate) fn may_write(&self, image: &Image) -> Option<Waiting> {
        let bytes = image.bytes();
        let room = Waiting { all: Arc::clone(&self.waiting), bytes };
        let waiting = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        (waiting + bytes <= MOST_WAITING).then_some(room)
    }

    /// Writes an image in one step: it is there whole or not at all.
    pub(crate) fn write(&self, key: &Key, image: &Image, has_files: bool, room: Waiting) {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let path = self.path(key);
        let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        let written = format(image, &key.main, has_files).and_then(|bytes| {
            fs::write(&temporary, &bytes)?;
            fs::rename(&temporary, &path)?;
            Ok(bytes.len() as u64)
        });
        drop(room);
        match written {
            Ok(bytes) => {
                if self.on_disk.fetch_add(bytes, Ordering::Relaxed) + bytes > self.most_on_disk {
                    self.sweep();
                }
            }
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                tracing::warn!(code = %key.code, %error, "an image could not be kept");
            }
        }
    }

    /// Removes the oldest files until they take three quarters of what they may.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, length, path) in files {
            if bytes <= self.most_on_disk / 4 * 3 {
                break;
            }
            if fs::remove_file(path).is_ok() {
                bytes -= length;
            }
        }
        self.on_disk.store(bytes, Ordering::Relaxed);
    }
}

/// The room of an image that waits to be written; given back on drop, written or not.
#[must_use = "it is room for an image that is to be written"]
#[derive(Debug)]
pub(crate) struct Waiting {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn is_of(path: &Path, engine: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_suffix(".img").is_some_and(|name| name.ends_with(engine))
}

fn format(image: &Image, main: &str, has_files: bool) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::with_capacity(image.bytes());
    image.format(&mut plain);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&u32::try_from(main.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(main.as_bytes());
    bytes.push(u8::from(has_files));
    bytes.extend(zstd::bulk::compress(&plain, LEVEL)?);
    let checksum = crc32c::crc32c(&bytes[12..]);
    bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// `None`: it is of another entry whose name has the same checksum.
fn parse(bytes: &[u8], main: &str) -> Result<Option<(Image, bool)>, &'static str> {
    if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
        return Err("it does not begin as such a file does");
    }
    let number = |at: usize| {
        let number = bytes[at..at + 4].try_into().unwrap_or_default();
        u32::from_le_bytes(number)
    };
    if number(8) != crc32c::crc32c(&bytes[12..]) {
        return Err("its checksum is wrong");
    }
    let end = HEADER.saturating_add(number(12) as usize);
    let of = bytes.get(HEADER..end).ok_or("it is too short")?;
    if of != main.as_bytes() {
        return Ok(None);
    }
    let (has_files, packed) = bytes[end..].split_first().ok_or("it is too short")?;
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= MOST_IMAGE);
    let size = size.ok_or("its size is not one of an image")?;
    let plain = zstd::bulk::decompress(packed, size).map_err(|_| "it cannot be decompressed")?;
    let image = Image::parse(plain.into()).ok_or("it is no image")?;
    Ok(Some((image, *has_files == 1)))
}

#[cfg(test)]
mod tests {
    use super::super::image::Pristine;
    use super::*;

    fn image() -> Image {
        let mut memory = vec![0; 1 << 20];
        memory[700_000..800_000].fill(3);
        Pristine::of(&vec![0; 1 << 19], 0).image(&memory).unwrap()
    }

    fn key(main: &str) -> Key {
        Key { code: Digest([7; 32]), main: main.to_owned() }
    }

    #[test]
    fn what_was_written_is_read_and_any_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let shelf =
            Shelf::open(folder.path().join("js"), "e1".to_owned(), 1 << 20, 1 << 30).unwrap();
        assert_eq!(shelf.read(&key("main")), None);
        let room = shelf.may_write(&image()).unwrap();
        shelf.write(&key("main"), &image(), true, room);
        assert_eq!(shelf.read(&key("main")), Some((image(), true)));
        assert_eq!(shelf.read(&key("other")), None);

        let path = shelf.path(&key("main"));
        let whole = fs::read(&path).unwrap();
        assert!(whole.len() < 10_000, "compressed: {}", whole.len());
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged, "main").is_err(), "byte {at}");
            assert!(parse(&whole[..at], "main").is_err(), "cut at {at}");
        }
        assert!(parse(&whole, "main2").unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path().join("js")).unwrap().count(), 1, "no rests");
    }

    #[test]
    fn images_of_another_engine_go() {
        let folder = tempfile::tempdir().unwrap();
        let open = |engine: &str| {
            Shelf::open(folder.path().into(), engine.into(), 1 << 20, 1 << 30).unwrap()
        };
        let shelf = open("e1");
        let room = shelf.may_write(&image()).unwrap();
        shelf.write(&key("main"), &image(), false, room);
        assert_eq!(open("e1").read(&key("main")), Some((image(), false)));
        assert_eq!(open("e2").read(&key("main")), None);
        assert_eq!(open("e1").read(&key("main")), None, "removed");
    }

    #[test]
    fn the_disk_is_bounded_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let most = 8 << 10;
        let open = || Shelf::open(folder.path().into(), "e".into(), 1 << 20, most).unwrap();
        let shelf = open();
        for number in 0..100 {
            let room = shelf.may_write(&image()).unwrap();
            shelf.write(&key(&format!("main{number}")), &image(), false, room);
        }
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap()).collect();
        let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
        assert!(bytes <= most && bytes * 2 >= most, "{bytes}");
        assert_eq!(shelf.on_disk.load(Ordering::Relaxed), bytes);
        assert_eq!(open().on_disk.load(Ordering::Relaxed), bytes);
        assert_eq!(shelf.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_waits_to_be_written_is_bounded_and_room_comes_back_unwritten_too() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().into(), "e".into(), 1 << 20, 1 << 30).unwrap();
        let rooms: Vec<_> = std::iter::from_fn(|| shelf.may_write(&image())).collect();
        let most = MOST_WAITING / image().bytes();
        assert_eq!(rooms.len(), most, "no more than that waits");
        drop(rooms);
        assert!(shelf.may_write(&image()).is_some());
        assert_eq!(shelf.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().into(), "e".into(), 1 << 20, 1 << 30).unwrap();
        for number in 0..100 {
            let script = Script { is_evaluated: true, image: Some(image()), code: None };
            shelf.keep(key(&format!("main{number}")), Arc::new(script));
        }
        assert!(shelf.resident.weight() <= 1 << 20, "{}", shelf.resident.weight());
        assert!(shelf.resident.len() >= 5, "{}", shelf.resident.len());
    }
}
