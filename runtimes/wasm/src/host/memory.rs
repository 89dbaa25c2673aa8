//! The guest's memory as the host sees it: every access is checked, none can panic.

use super::errno::Errno;

/// The linear memory of a guest that makes a call.
pub(crate) struct Memory<'a>(pub(crate) &'a mut [u8]);

impl Memory<'_> {
    /// `length` bytes from `at`.
    pub(crate) fn bytes(&self, at: i32, length: usize) -> Result<&[u8], Errno> {
        let start = at.cast_unsigned() as usize;
        let end = start.checked_add(length).ok_or(Errno::FAULT)?;
        self.0.get(start..end).ok_or(Errno::FAULT)
    }

    /// `length` bytes from `at`, to be written.
    pub(crate) fn bytes_mut(&mut self, at: i32, length: usize) -> Result<&mut [u8], Errno> {
        let start = at.cast_unsigned() as usize;
        let end = start.checked_add(length).ok_or(Errno::FAULT)?;
        self.0.get_mut(start..end).ok_or(Errno::FAULT)
    }

    /// Reads so many bytes into an array.
    pub(crate) fn read<const N: usize>(&self, at: i32) -> Result<[u8; N], Errno> {
        self.bytes(at, N)?.try_into().map_err(|_| Errno::FAULT)
    }

    pub(crate) fn read_u32(&self, at: i32) -> Result<u32, Errno> {
        self.read(at).map(u32::from_le_bytes)
    }

    pub(crate) fn write(&mut self, at: i32, bytes: &[u8]) -> Result<(), Errno> {
        self.bytes_mut(at, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn write_u32(&mut self, at: i32, value: u32) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    pub(crate) fn write_u64(&mut self, at: i32, value: u64) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    /// A pair of pointer and length from an array of buffers.
    pub(crate) fn buffer(&self, buffers: i32, index: u32) -> Result<(i32, usize), Errno> {
        let at = offset(buffers, u64::from(index) * 8)?;
        let start = self.read_u32(at)?.cast_signed();
        let length = self.read_u32(offset(at, 4)?)?;
        Ok((start, length as usize))
    }
}

/// `by` bytes behind `at`.
pub(crate) fn offset(at: i32, by: u64) -> Result<i32, Errno> {
    let at = u64::from(at.cast_unsigned()).checked_add(by).ok_or(Errno::FAULT)?;
    u32::try_from(at).map(u32::cast_signed).map_err(|_| Errno::FAULT)
}
