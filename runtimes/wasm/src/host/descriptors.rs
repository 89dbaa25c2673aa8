//! What a guest has open: three streams, and the read-only files of its archive.

use bytes::Bytes;
use invoker::driver::Stream;

use super::errno::{Called, Errno};
use super::files::{Files, Node};
use super::memory::{Memory, offset};
use super::{Input, State};

/// The most that may be open.
const MOST_OPEN: usize = 1_024;
/// The most buffers in one call.
const MOST_BUFFERS: u32 = 1_024;
/// The most bytes that one call writes; guests call again for the rest. So no call takes long.
const MOST_WRITTEN: usize = 256 << 10;
/// The number of the folder `/`, if there is one.
const ROOT: usize = 3;

const CREATE: i32 = 1;
const DIRECTORY: i32 = 2;
const EXCLUSIVE: i32 = 4;
const TRUNCATE: i32 = 8;

const TYPE_UNKNOWN: u8 = 0;
const TYPE_FOLDER: u8 = 3;
const TYPE_FILE: u8 = 4;

const MAY_READ: u64 = 1 << 1;
const MAY_SEEK: u64 = 1 << 2;
const MAY_TELL: u64 = 1 << 5;
const MAY_WRITE: u64 = 1 << 6;
const MAY_OPEN: u64 = 1 << 13;
const MAY_LIST: u64 = 1 << 14;
const MAY_STAT_PATH: u64 = 1 << 18;
const MAY_STAT: u64 = 1 << 21;
const MAY_POLL: u64 = 1 << 27;
const OF_A_FILE: u64 = MAY_READ | MAY_SEEK | MAY_TELL | MAY_STAT | MAY_POLL;
const OF_A_FOLDER: u64 = MAY_OPEN | MAY_LIST | MAY_STAT_PATH | MAY_STAT;

/// By number.
pub(super) struct Descriptors(Vec<Option<Open>>);

/// Something that is open.
#[derive(Clone)]
enum Open {
    Input,
    Output(Stream),
    Folder { path: String },
    File { content: Bytes, at: u64, number: u64 },
}

impl Descriptors {
    pub(super) fn new(has_files: bool) -> Self {
        let mut open = Vec::with_capacity(4);
        open.push(Some(Open::Input));
        open.push(Some(Open::Output(Stream::Stdout)));
        open.push(Some(Open::Output(Stream::Stderr)));
        if has_files {
            open.push(Some(Open::Folder { path: String::new() }));
        }
        Self(open)
    }

    fn get(&self, fd: i32) -> Result<&Open, Errno> {
        let index = usize::try_from(fd).map_err(|_| Errno::BADF)?;
        self.0.get(index).and_then(Option::as_ref).ok_or(Errno::BADF)
    }

    fn get_mut(&mut self, fd: i32) -> Result<&mut Open, Errno> {
        let index = usize::try_from(fd).map_err(|_| Errno::BADF)?;
        self.0.get_mut(index).and_then(Option::as_mut).ok_or(Errno::BADF)
    }

    fn folder(&self, fd: i32) -> Result<&str, Errno> {
        match self.get(fd)? {
            Open::Folder { path } => Ok(path),
            Open::Input | Open::Output(_) | Open::File { .. } => Err(Errno::NOTDIR),
        }
    }

    fn add(&mut self, open: Open) -> Result<u32, Errno> {
        let index = match self.0.iter().position(Option::is_none) {
            Some(free) => free,
            None if self.0.len() >= MOST_OPEN => return Err(Errno::MFILE),
            None => {
                self.0.push(None);
                self.0.len() - 1
            }
        };
        self.0[index] = Some(open);
        u32::try_from(index).map_err(|_| Errno::MFILE)
    }
}

impl Input {
    /// Takes up to as many bytes as fit.
    fn read(&mut self, into: &mut [u8]) -> usize {
        let text = self.text.get(self.at..).unwrap_or_default();
        let mut taken = text.len().min(into.len());
        into[..taken].copy_from_slice(&text[..taken]);
        if self.at + taken == self.text.len() && taken < into.len() {
            into[taken] = b'\n';
            taken += 1;
        }
        self.at += taken;
        taken
    }

    fn left(&self) -> usize {
        (self.text.len() + 1).saturating_sub(self.at)
    }
}

impl State {
    /// How many bytes can be read, or that something can be written.
    pub(super) fn ready(&self, fd: i32, to_write: bool) -> Result<u64, Errno> {
        match (self.descriptors.get(fd)?, to_write) {
            (Open::Input, false) => Ok(self.input.left() as u64),
            (Open::File { content, at, .. }, false) => {
                Ok((content.len() as u64).saturating_sub(*at))
            }
            (Open::Output(_), true) => Ok(4_096),
            (Open::Folder { .. }, _)
            | (Open::Input | Open::File { .. }, true)
            | (Open::Output(_), false) => Err(Errno::BADF),
        }
    }

    pub(super) fn fd_read(
        &mut self,
        memory: &mut Memory<'_>,
        (fd, buffers, count, read): (i32, i32, i32, i32),
        from: Option<i64>,
    ) -> Called {
        let input = &mut self.input;
        let open = self.descriptors.get_mut(fd)?;
        let mut place = match (&*open, from) {
            (Open::Input, Some(_)) => return Err(Errno::SPIPE),
            (Open::Folder { .. }, _) => return Err(Errno::ISDIR),
            (Open::Output(_), _) => return Err(Errno::BADF),
            (Open::File { .. }, Some(from)) => u64::try_from(from).map_err(|_| Errno::INVAL)?,
            (Open::File { at, .. }, None) => *at,
            (Open::Input, None) => 0,
        };
        let mut sum = 0_u32;
        for index in 0..buffers_within(count)? {
            let (start, length) = memory.buffer(buffers, index)?;
            let into = memory.bytes_mut(start, length)?;
            let taken = match open {
                Open::Input => input.read(into),
                Open::File { content, .. } => {
                    let at = usize::try_from(place).unwrap_or(usize::MAX);
                    let rest = content.get(at..).unwrap_or_default();
                    let taken = rest.len().min(length);
                    into[..taken].copy_from_slice(&rest[..taken]);
                    taken
                }
                Open::Folder { .. } | Open::Output(_) => 0,
            };
            place += taken as u64;
            let taken_u32 = u32::try_from(taken).map_err(|_| Errno::OVERFLOW)?;
            sum = sum.checked_add(taken_u32).ok_or(Errno::OVERFLOW)?;
            if taken < length {
                break;
            }
        }
        if let (Open::File { at, .. }, None) = (open, from) {
            *at = place;
        }
        memory.write_u32(read, sum)
    }

    pub(super) fn fd_write(
        &mut self,
        memory: &mut Memory<'_>,
        (fd, buffers, count, written): (i32, i32, i32, i32),
    ) -> Called {
        let stream = match self.descriptors.get(fd)? {
            Open::Output(stream) => *stream,
            Open::File { .. } | Open::Folder { .. } | Open::Input => return Err(Errno::BADF),
        };
        let at_ns = (self.outside.now_wall_ns)();
        let mut sum = 0;
        for index in 0..buffers_within(count)? {
            let (start, length) = memory.buffer(buffers, index)?;
            let bytes = memory.bytes(start, length)?;
            let fits = length.min(MOST_WRITTEN - sum);
            self.output.write(stream, at_ns, &bytes[..fits]);
            sum += fits;
            if fits < length {
                break;
            }
        }
        memory.write_u32(written, u32::try_from(sum).map_err(|_| Errno::OVERFLOW)?)
    }

    pub(super) fn fd_seek(
        &mut self,
        memory: &mut Memory<'_>,
        (fd, by, whence, result): (i32, i64, i32, i32),
    ) -> Called {
        match self.descriptors.get_mut(fd)? {
            Open::Input | Open::Output(_) => Err(Errno::SPIPE),
            Open::Folder { .. } => Err(Errno::ISDIR),
            Open::File { content, at, .. } => {
                let from = match whence {
                    0 => 0,
                    1 => i64::try_from(*at).map_err(|_| Errno::OVERFLOW)?,
                    2 => i64::try_from(content.len()).map_err(|_| Errno::OVERFLOW)?,
                    _ => return Err(Errno::INVAL),
                };
                let to = from.checked_add(by).ok_or(Errno::OVERFLOW)?;
                *at = u64::try_from(to).map_err(|_| Errno::INVAL)?;
                memory.write_u64(result, *at)
            }
        }
    }

    pub(super) fn fd_close(&mut self, fd: i32) -> Called {
        self.descriptors.get(fd)?;
        if let Ok(index) = usize::try_from(fd) {
            self.descriptors.0[index] = None;
        }
        Ok(())
    }

    pub(super) fn fd_renumber(&mut self, from: i32, to: i32) -> Called {
        let moved = self.descriptors.get(from)?.clone();
        *self.descriptors.get_mut(to)? = moved;
        if from != to {
            self.fd_close(from)?;
        }
        Ok(())
    }

    pub(super) fn fd_fdstat_get(&self, memory: &mut Memory<'_>, fd: i32, result: i32) -> Called {
        let (kind, rights, inherited) = match self.descriptors.get(fd)? {
            Open::Input => (TYPE_UNKNOWN, MAY_READ | MAY_POLL, 0),
            Open::Output(_) => (TYPE_UNKNOWN, MAY_WRITE | MAY_POLL, 0),
            Open::Folder { .. } => (TYPE_FOLDER, OF_A_FOLDER, OF_A_FOLDER | OF_A_FILE),
            Open::File { .. } => (TYPE_FILE, OF_A_FILE, 0),
        };
        let mut stat = [0; 24];
        stat[0] = kind;
        stat[8..16].copy_from_slice(&u64::to_le_bytes(rights));
        stat[16..].copy_from_slice(&u64::to_le_bytes(inherited));
        memory.write(result, &stat)
    }

    pub(super) fn fd_filestat_get(&self, memory: &mut Memory<'_>, fd: i32, result: i32) -> Called {
        let stat = match self.descriptors.get(fd)? {
            Open::Input | Open::Output(_) => filestat(TYPE_UNKNOWN, 0, 0),
            Open::Folder { path } => filestat(TYPE_FOLDER, Files::number(path), 0),
            Open::File { content, number, .. } => filestat(TYPE_FILE, *number, content.len()),
        };
        memory.write(result, &stat)
    }

    pub(super) fn fd_prestat_get(&self, memory: &mut Memory<'_>, fd: i32, result: i32) -> Called {
        self.is_root(fd)?;
        memory.write(result, &[0, 0, 0, 0, 1, 0, 0, 0])
    }

    pub(super) fn fd_prestat_dir_name(
        &self,
        memory: &mut Memory<'_>,
        (fd, name, length): (i32, i32, i32),
    ) -> Called {
        self.is_root(fd)?;
        if length == 0 {
            return Err(Errno::NAMETOOLONG);
        }
        memory.write(name, b"/")
    }

    fn is_root(&self, fd: i32) -> Called {
        match self.descriptors.get(fd)? {
            Open::Folder { path } if path.is_empty() && fd.cast_unsigned() as usize == ROOT => {
                Ok(())
            }
            _ => Err(Errno::BADF),
        }
    }

    pub(super) fn fd_readdir(
        &self,
        memory: &mut Memory<'_>,
        (fd, buffer, length): (i32, i32, i32),
        cookie: i64,
        used: i32,
    ) -> Called {
        let path = self.descriptors.folder(fd)?;
        let length = length.cast_unsigned() as usize;
        memory.bytes(buffer, length)?;
        let skip = usize::try_from(cookie).map_err(|_| Errno::INVAL)?;
        let mut filled = 0;
        for (index, (name, node)) in self.files.list(path).enumerate().skip(skip) {
            let child = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            let kind = match node {
                Node::Folder => TYPE_FOLDER,
                Node::File(_) => TYPE_FILE,
            };
            let mut entry = Vec::with_capacity(24 + name.len());
            entry.extend_from_slice(&(index as u64 + 1).to_le_bytes());
            entry.extend_from_slice(&Files::number(&child).to_le_bytes());
            let name_length = u32::try_from(name.len()).map_err(|_| Errno::OVERFLOW)?;
            entry.extend_from_slice(&name_length.to_le_bytes());
            entry.extend_from_slice(&[kind, 0, 0, 0]);
            entry.extend_from_slice(name.as_bytes());
            // The last entry may be cut: a buffer that is full says that there is more.
            let fits = entry.len().min(length - filled);
            memory.write(offset(buffer, filled as u64)?, &entry[..fits])?;
            filled += fits;
            if filled == length {
                break;
            }
        }
        memory.write_u32(used, u32::try_from(filled).map_err(|_| Errno::OVERFLOW)?)
    }

    pub(super) fn path_filestat_get(
        &self,
        memory: &mut Memory<'_>,
        (fd, path, length, result): (i32, i32, i32, i32),
    ) -> Called {
        let folder = self.descriptors.folder(fd)?;
        let path = memory.bytes(path, length.cast_unsigned() as usize)?;
        let (_, number, node) = self.files.find(folder, path)?;
        let stat = match node {
            Node::Folder => filestat(TYPE_FOLDER, number, 0),
            Node::File(content) => filestat(TYPE_FILE, number, content.len()),
        };
        memory.write(result, &stat)
    }

    pub(super) fn path_open(
        &mut self,
        memory: &mut Memory<'_>,
        (fd, path, length): (i32, i32, i32),
        (flags, rights): (i32, i64),
        result: i32,
    ) -> Called {
        let folder = self.descriptors.folder(fd)?;
        let path = memory.bytes(path, length.cast_unsigned() as usize)?;
        let (path, number, node) = match self.files.find(folder, path) {
            Err(Errno::NOENT) if flags & CREATE != 0 => return Err(Errno::ROFS),
            found => found?,
        };
        let wants_to_write = rights.cast_unsigned() & MAY_WRITE != 0;
        if flags & TRUNCATE != 0 || flags & CREATE != 0 && flags & EXCLUSIVE != 0 {
            return Err(Errno::ROFS);
        }
        let open = match node {
            Node::Folder => Open::Folder { path },
            Node::File(_) if flags & DIRECTORY != 0 => return Err(Errno::NOTDIR),
            Node::File(_) if wants_to_write => return Err(Errno::ROFS),
            Node::File(content) => Open::File { content: content.clone(), at: 0, number },
        };
        memory.bytes(result, 4)?;
        let opened = self.descriptors.add(open)?;
        memory.write_u32(result, opened)
    }

    /// The answer to whatever would change a file.
    pub(super) fn read_only(&self, fd: i32) -> Called {
        match self.descriptors.get(fd)? {
            Open::Input | Open::Output(_) => Err(Errno::INVAL),
            Open::Folder { .. } | Open::File { .. } => Err(Errno::ROFS),
        }
    }

    /// The answer to whatever has nothing to do: all is as it should be.
    pub(super) fn nothing(&self, fd: i32) -> Called {
        self.descriptors.get(fd).map(|_| ())
    }

    /// The answer to whatever needs a socket.
    pub(super) fn no_socket(&self, fd: i32) -> Called {
        self.descriptors.get(fd)?;
        Err(Errno::NOTSOCK)
    }
}

fn buffers_within(count: i32) -> Result<u32, Errno> {
    let count = count.cast_unsigned();
    if count > MOST_BUFFERS { Err(Errno::INVAL) } else { Ok(count) }
}

fn filestat(kind: u8, number: u64, size: usize) -> [u8; 64] {
    let mut stat = [0; 64];
    stat[8..16].copy_from_slice(&number.to_le_bytes());
    stat[16] = kind;
    stat[24..32].copy_from_slice(&1_u64.to_le_bytes());
    stat[32..40].copy_from_slice(&(size as u64).to_le_bytes());
    stat
}
