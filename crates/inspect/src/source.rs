//! Bounded access to a file's bytes for the parsers: one page at the front, a few windows
//! that move, and nothing that is sized by the file alone.

use std::borrow::Cow;
use std::cell::Cell;
use std::io;

use crate::limits;
use crate::problem::{Code, Loader, Problem, Problems};
use crate::read_at::ReadAt;

/// The bytes of one file, read on demand.
#[derive(Debug)]
pub(crate) struct Source<'r, R: ?Sized> {
    reader: &'r R,
    size: u64,
    /// The first page, of which as much counts as the file has.
    page: Vec<u8>,
    head_len: usize,
    /// Tables point to each other (names, versions, symbols): with one window alone each
    /// step from one to the next would cost a read.
    windows: [Window; 4],
    /// The window that is moved next.
    oldest: usize,
}

/// Bytes of the file from `at` on.
#[derive(Debug, Default)]
struct Window {
    at: u64,
    /// How many of the bytes there are of this file: the memory is kept from one place, and one file, to the next.
    len: usize,
    bytes: Vec<u8>,
}

impl Window {
    /// Where `len` bytes at `offset` of the file begin in the window, if it has them all.
    fn find(&self, offset: u64, len: u64) -> Option<usize> {
        let start = offset.checked_sub(self.at)?;
        if start.checked_add(len)? > self.len as u64 {
            return None;
        }
        usize::try_from(start).ok()
    }
}

/// What `images` makes of a file, and all that is wrong with it. When its first page cannot
/// be had, that is all there is to say.
pub(crate) fn read<'r, R: ReadAt + ?Sized, T>(
    reader: &'r R,
    images: impl FnOnce(&mut Source<'r, R>, &mut Problems) -> Vec<T>,
) -> (Vec<T>, Vec<Problem>) {
    let mut problems = Problems::default();
    let images = match Source::new(reader) {
        Ok(mut source) => images(&mut source, &mut problems),
        Err(fault) => {
            problems.push(fault.into_problem(Code::ReadFailed, Loader::Refuses, "the first page"));
            Vec::new()
        }
    };
    (images, problems.into_vec())
}

/// Why bytes could not be had.
#[derive(Debug)]
pub(crate) enum Fault {
    /// They are not inside the file.
    Outside { offset: u64, len: u64, size: u64 },
    /// They were inside the file when it was opened.
    Shrank { offset: u64, len: u64 },
    /// The system's answer.
    Io { offset: u64, error: io::Error },
    /// More than a limit allows.
    Limit { offset: u64, len: u64, limit: u64 },
}

impl Fault {
    /// The problem this is, where `outside` is the code for bytes beyond the file's end.
    pub(crate) fn into_problem(self, outside: Code, loader: Loader, what: &str) -> Problem {
        match self {
            Self::Outside { offset, len, size } => Problem::new(
                outside,
                loader,
                offset,
                format!("{what} inside the file's {size} bytes"),
                format!("{len} bytes at {offset:#x}"),
            ),
            Self::Shrank { offset, len } => Problem::new(
                Code::FileShrank,
                Loader::Crashes,
                offset,
                format!("{len} bytes of {what}"),
                "fewer: the file changed while it was read",
            ),
            Self::Io { offset, error } => Problem::new(
                Code::ReadFailed,
                Loader::Refuses,
                offset,
                format!("to read {what}"),
                error.to_string(),
            ),
            Self::Limit { offset, len, limit } => Problem::new(
                Code::LimitReached,
                Loader::Accepts,
                offset,
                format!("at most {limit} bytes of {what}"),
                format!("{len} bytes"),
            ),
        }
    }
}

impl<'r, R: ReadAt + ?Sized> Source<'r, R> {
    /// Reads the first page.
    pub(crate) fn new(reader: &'r R) -> Result<Self, Fault> {
        let size = reader.size();
        let want = usize::try_from(size).unwrap_or(usize::MAX);
        let Memory { page, windows } = KEPT.try_with(Cell::take).unwrap_or_default();
        let mut source = Self {
            reader,
            size,
            page,
            head_len: want.min(limits::PAGE),
            windows: windows.map(|bytes| Window {
                at: 0,
                len: 0,
                bytes,
            }),
            oldest: 0,
        };
        source.page.resize(limits::PAGE, 0);
        let head = source.page.get_mut(..source.head_len);
        fill(reader, head.unwrap_or_default(), 0)?;
        Ok(source)
    }

    /// The size of the whole file in bytes, as it was at the start.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// What was read of the first page.
    pub(crate) fn head(&self) -> &[u8] {
        slice(&self.page, 0, self.head_len)
    }

    fn check_inside(&self, offset: u64, len: u64) -> Result<(), Fault> {
        match offset.checked_add(len) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(Fault::Outside {
                offset,
                len,
                size: self.size,
            }),
        }
    }

    /// `len` bytes at `offset`, through the window. For small pieces: at most a page or
    /// what was prefetched costs no further system call.
    pub(crate) fn bytes(&mut self, offset: u64, len: usize) -> Result<&[u8], Fault> {
        self.check_inside(offset, len as u64)?;
        if offset.saturating_add(len as u64) <= self.head_len as u64 {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            return Ok(slice(self.head(), start, len));
        }
        let found = self.find_window(offset, len as u64);
        let (index, start) = match found {
            Some(found) => found,
            None => (self.prefetch(offset, len.max(limits::PAGE) as u64, len)?, 0),
        };
        let window = self.windows.get(index);
        Ok(window.map_or(&[], |window| slice(&window.bytes, start, len)))
    }

    fn find_window(&self, offset: u64, len: u64) -> Option<(usize, usize)> {
        let mut windows = (0..).zip(&self.windows);
        windows.find_map(|(index, window)| Some((index, window.find(offset, len)?)))
    }

    /// Moves a window to `offset` with up to `len` bytes, cut at the end of the file; at
    /// least `need` of them have to come. The answer is the window's number.
    pub(crate) fn prefetch(&mut self, offset: u64, len: u64, need: usize) -> Result<usize, Fault> {
        self.check_inside(offset, need as u64)?;
        let available = self.size.saturating_sub(offset).min(len);
        let want = usize::try_from(available).unwrap_or(usize::MAX);
        let index = self.oldest;
        let Some(window) = self.windows.get_mut(index) else {
            return Ok(index);
        };
        if window.bytes.len() < want {
            window.bytes.resize(want, 0);
        }
        (window.at, window.len) = (offset, 0);
        let bytes = window.bytes.get_mut(..want).unwrap_or_default();
        fill(self.reader, bytes, offset)?;
        window.len = want;
        self.oldest = if index == 3 {
            0
        } else {
            index.saturating_add(1)
        };
        Ok(index)
    }

    /// A whole table of `len` bytes, of which the caller has a limit.
    pub(crate) fn table(&mut self, offset: u64, len: u64, limit: u64) -> Result<Vec<u8>, Fault> {
        self.view(offset, len, limit).map(Cow::into_owned)
    }

    /// Whether a table of `len` bytes lies in the file and within a limit of the caller's.
    pub(crate) fn check_table(&self, offset: u64, len: u64, limit: u64) -> Result<(), Fault> {
        // Inside the file first: an absurd size is a fault of the file, not our limit.
        self.check_inside(offset, len)?;
        if len > limit {
            return Err(Fault::Limit { offset, len, limit });
        }
        Ok(())
    }

    /// As [`Source::table`], for who looks at it once: what was read already is not copied.
    pub(crate) fn view(
        &mut self,
        offset: u64,
        len: u64,
        limit: u64,
    ) -> Result<Cow<'_, [u8]>, Fault> {
        self.check_table(offset, len, limit)?;
        let want = usize::try_from(len).unwrap_or(usize::MAX);
        if offset.saturating_add(len) <= self.head_len as u64 {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            return Ok(Cow::Borrowed(slice(self.head(), start, want)));
        }
        if let Some((index, start)) = self.find_window(offset, len) {
            let window = self.windows.get(index);
            let bytes = window.map_or(&[][..], |window| slice(&window.bytes, start, want));
            return Ok(Cow::Borrowed(bytes));
        }
        // A sparse file can be as large as it likes, so that memory grows with what came.
        let mut table = Vec::with_capacity(want.min(GROWTH));
        while table.len() < want {
            let step = want.saturating_sub(table.len()).min(GROWTH);
            let from = table.len();
            table.resize(from.saturating_add(step), 0);
            let at = offset.saturating_add(from as u64);
            fill(self.reader, table.get_mut(from..).unwrap_or_default(), at)?;
        }
        Ok(Cow::Owned(table))
    }
}

/// What is kept from one file to the next.
#[derive(Debug, Default)]
struct Memory {
    page: Vec<u8>,
    windows: [Vec<u8>; 4],
}

/// A larger window is given back.
const KEPT_WINDOW: usize = 64 << 10;

thread_local! {
    /// The memory of the file before. To have it from the allocator, cleared, and to give it back
    /// costs a tenth of what reading a small file costs.
    static KEPT: Cell<Memory> = const {
        Cell::new(Memory {
            page: Vec::new(),
            windows: [const { Vec::new() }; 4],
        })
    };
}

impl<R: ?Sized> Drop for Source<'_, R> {
    fn drop(&mut self) {
        let memory = Memory {
            page: std::mem::take(&mut self.page),
            windows: std::mem::take(&mut self.windows).map(|window| {
                let is_small = window.bytes.capacity() <= KEPT_WINDOW;
                if is_small { window.bytes } else { Vec::new() }
            }),
        };
        // A thread that ends has no place for it any more.
        let _ended = KEPT.try_with(|place| place.set(memory));
    }
}

/// Bytes by which a table grows at once.
const GROWTH: usize = 4 << 20;

fn slice(bytes: &[u8], start: usize, len: usize) -> &[u8] {
    bytes
        .get(start..)
        .and_then(|rest| rest.get(..len))
        .unwrap_or_default()
}

fn fill<R: ReadAt + ?Sized>(reader: &R, buf: &mut [u8], offset: u64) -> Result<(), Fault> {
    let mut done = 0;
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(done as u64);
        match reader.read_at(rest, at) {
            Ok(0) => {
                return Err(Fault::Shrank {
                    offset: at,
                    len: rest.len() as u64,
                });
            }
            Ok(count) => done = done.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::Io { offset: at, error }),
        }
    }
    Ok(())
}
