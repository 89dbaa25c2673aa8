//! What evaluating a script changed in the engine's memory.
//!
//! Of the stack nothing is kept: no call is under way when an image is taken.

use std::ops::Range;

use bytes::{Buf as _, Bytes};
use wasmtime::{AsContextMut, Memory};

/// How memory is compared and copied, bytes: a page of the machine.
const PAGE: usize = 4 << 10;
/// A page of WebAssembly.
const WASM_PAGE: usize = 64 << 10;

/// No image is larger, bytes: copying it takes milliseconds that nobody else on its thread gets.
pub(crate) const MOST: usize = 8 << 20;
/// Nor is one taken of a memory that has grown further: looking through it takes as long.
const MOST_GROWN: usize = 16 << 20;

/// The pages of a memory that differ from the engine's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// How large the memory is, bytes.
    size: usize,
    /// Where the pages lie: ranges of whole pages, in order, not touching one another.
    ranges: Vec<Range<u32>>,
    /// Their content, one after another.
    content: Bytes,
}

/// The memory of an instance that has evaluated nothing.
#[derive(Debug)]
pub(crate) struct Pristine {
    /// Where the stack ends and what is kept begins, a multiple of a page.
    from: usize,
    content: Box<[u8]>,
}

impl Pristine {
    /// Keeps `memory`, of which the first `stack` bytes are the stack.
    pub(crate) fn of(memory: &[u8], stack: usize) -> Self {
        let from = stack / PAGE * PAGE;
        Self { from, content: memory.get(from..).unwrap_or_default().into() }
    }

    /// What `memory` has that this has not; `None` if that is too much to be copied for each call.
    pub(crate) fn image(&self, memory: &[u8]) -> Option<Image> {
        if memory.len() > self.from + self.content.len() + MOST_GROWN {
            return None;
        }
        let mut ranges: Vec<Range<u32>> = Vec::new();
        let mut content = Vec::new();
        for (number, page) in memory.chunks(PAGE).enumerate().skip(self.from / PAGE) {
            let at = number * PAGE;
            if self.has(at, page) {
                continue;
            }
            let (start, end) = (as_u32(at), as_u32(at + page.len()));
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => ranges.push(start..end),
            }
            content.extend_from_slice(page);
            if content.len() > MOST {
                return None;
            }
        }
        Some(Image { size: memory.len(), ranges, content: content.into() })
    }

    /// Whether the page at `at` is as it was. Memory that has grown was zero.
    fn has(&self, at: usize, page: &[u8]) -> bool {
        match self.content.get(at - self.from..at - self.from + page.len()) {
            Some(old) => old == page,
            None => page.iter().all(|byte| *byte == 0),
        }
    }
}

fn as_u32(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Image {
    /// What it takes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.content.len() + self.ranges.len() * size_of::<Range<u32>>()
    }

    /// Makes the memory of a fresh instance what it was when the image was taken.
    ///
    /// # Errors
    /// What wasmtime says if the memory may not grow as far.
    pub(crate) fn restore(
        &self,
        mut store: impl AsContextMut,
        memory: Memory,
    ) -> wasmtime::Result<()> {
        let missing = self.size.saturating_sub(memory.data_size(&store)) / WASM_PAGE;
        if missing > 0 {
            memory.grow(&mut store, missing as u64)?;
        }
        let bytes = memory.data_mut(&mut store);
        let mut rest = &self.content[..];
        for range in &self.ranges {
            let range = range.start as usize..range.end as usize;
            let (content, behind) = rest.split_at(range.len());
            bytes[range].copy_from_slice(content);
            rest = behind;
        }
        Ok(())
    }

    /// Writes it behind `to`.
    pub(crate) fn format(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&as_u32(self.size).to_le_bytes());
        to.extend_from_slice(&as_u32(self.ranges.len()).to_le_bytes());
        for range in &self.ranges {
            to.extend_from_slice(&range.start.to_le_bytes());
            to.extend_from_slice(&range.end.to_le_bytes());
        }
        to.extend_from_slice(&self.content);
    }

    /// Reads what [`Image::format`] wrote; `None` if that is not what it is.
    pub(crate) fn parse(mut bytes: Bytes) -> Option<Self> {
        let mut number = || {
            let number = u32::from_le_bytes(*bytes.first_chunk()?);
            bytes.advance(4);
            Some(number)
        };
        let size = number()? as usize;
        if !size.is_multiple_of(WASM_PAGE) {
            return None;
        }
        let count = number()?;
        let mut ranges = Vec::new();
        let (mut end, mut length) = (0, 0);
        for _ in 0..count {
            let range = number()?..number()?;
            if range.start < end || range.end <= range.start || range.end as usize > size {
                return None;
            }
            end = range.end;
            length += range.len();
            ranges.push(range);
        }
        (bytes.len() == length).then_some(Self { size, ranges, content: bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(pages: usize, changed: &[usize]) -> Vec<u8> {
        let mut memory = vec![0; pages * PAGE];
        for at in changed {
            memory[*at] = 7;
        }
        memory
    }

    #[test]
    fn an_image_holds_the_pages_that_differ_and_nothing_of_the_stack() {
        let before = memory(16, &[5 * PAGE]);
        let pristine = Pristine::of(&before, 2 * PAGE);
        // In the stack; a page and the next; the page that was not empty, emptied; grown memory.
        let after = memory(32, &[PAGE, 3 * PAGE + 9, 4 * PAGE, 20 * PAGE + 4_095]);
        let image = pristine.image(&after).unwrap();
        let pages = |range: Range<usize>| as_u32(range.start * PAGE)..as_u32(range.end * PAGE);
        assert_eq!(image.ranges, [pages(3..6), pages(20..21)]);
        assert_eq!(image.content.len(), 4 * PAGE);
        assert_eq!(image.size, 32 * PAGE);
        assert_eq!(pristine.image(&before).unwrap().ranges, []);
    }

    #[test]
    fn an_image_that_is_too_large_is_none() {
        let pristine = Pristine::of(&memory(16, &[]), 0);
        assert!(pristine.image(&vec![1; MOST]).is_some());
        assert!(pristine.image(&vec![1; MOST + PAGE]).is_none());
        assert!(pristine.image(&vec![0; 16 * PAGE + MOST_GROWN]).is_some());
        assert!(pristine.image(&vec![0; 17 * PAGE + MOST_GROWN]).is_none());
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else_is_believed() {
        let image = Pristine::of(&memory(4, &[]), 0).image(&memory(16, &[1, 5 * PAGE])).unwrap();
        let mut bytes = Vec::new();
        image.format(&mut bytes);
        assert_eq!(Image::parse(bytes.clone().into()), Some(image));
        for cut in 0..bytes.len() {
            assert_eq!(Image::parse(Bytes::copy_from_slice(&bytes[..cut])), None, "cut at {cut}");
        }
        for (at, value) in [(2, 0), (4, 3), (8, 0xff), (12, 0), (16, 0)] {
            let mut wrong = bytes.clone();
            wrong[at] = value;
            wrong[at + 1] = 0;
            assert_eq!(Image::parse(wrong.into()), None, "byte {at}");
        }
    }
}
