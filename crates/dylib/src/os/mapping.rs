//! Which file is mapped at an address, in the kernel's own words.
//!
//! Linux 6.11 and later answer for one address. Before that the whole table of mappings has to be read, which grows with
//! every library that is loaded.

use super::Mapped;
use crate::image::Identity;
use rustix::fs::{Mode, OFlags, major, minor};
use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::ptr;

/// The file of a mapping, as the kernel's table numbers it. Memory without a file has zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Backing {
    device: (u32, u32),
    inode: u64,
}

/// Compares the file that is mapped at `address` with an open one.
///
/// The table's numbers are those of `fstat` on most file systems. On the others (overlayfs, btrfs) a page of the file is
/// mapped, never touched, and its numbers in the table compared.
pub(crate) fn compare(
    address: usize,
    identity: Identity,
    file: &dyn Fn() -> io::Result<File>,
) -> io::Result<Mapped> {
    let Some(library) = backing(address)? else {
        return Ok(Mapped::Another);
    };
    let device = (major(identity.device), minor(identity.device));
    if library
        == (Backing {
            device,
            inode: identity.inode,
        })
    {
        return Ok(Mapped::This);
    }
    let file = file()?;
    if super::look(&file)?.identity != identity {
        return Ok(Mapped::Another);
    }
    let page = Page::map(&file)?;
    match backing(page.address())? {
        Some(page) if page == library => Ok(Mapped::This),
        Some(_) => Ok(Mapped::Another),
        None => Err(io::Error::other(
            "a page that was just mapped is not in /proc/self/maps",
        )),
    }
}

/// The file of a mapping with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) inode: u64,
    /// What the kernel names it: ` (deleted)` is at the end if it has no name any more. Nothing for memory without a file.
    pub(super) path: Vec<u8>,
}

/// The files that are mapped at addresses; `None` where nothing is, and where it cannot be told.
pub(super) fn files(addresses: &[usize]) -> Vec<Option<Named>> {
    let Ok(mut table) = table() else {
        return vec![None; addresses.len()];
    };
    let mut name = vec![0; LONGEST];
    let mut text = None;
    let mut file = |address: &usize| match ask(&table, *address, &mut name) {
        Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => {
            let text = text.get_or_insert_with(|| {
                let mut text = Vec::new();
                table.read_to_end(&mut text).map_or(Vec::new(), |_| text)
            });
            named(text, *address)
        }
        answer => {
            let (backing, length) = answer.ok().flatten()?;
            Some(Named {
                inode: backing.inode,
                path: name.get(..length)?.to_vec(),
            })
        }
    };
    addresses.iter().map(&mut file).collect()
}

/// The longest path that the kernel hands out (`PATH_MAX`).
const LONGEST: usize = 4096;

/// What the text of the table says about an address.
fn named(table: &[u8], address: usize) -> Option<Named> {
    let line = lines(table).find(|line| (line.start..line.end).contains(&address))?;
    Some(Named {
        inode: line.backing.inode,
        path: line.path.to_vec(),
    })
}

/// Opened each time: a descriptor that is kept would be the parent's table after a fork, and some programs close all descriptors
/// that they do not know.
fn table() -> io::Result<File> {
    let table = rustix::fs::open(
        "/proc/self/maps",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(File::from(table))
}

/// The file that is mapped at an address; `None` if nothing is.
fn backing(address: usize) -> io::Result<Option<Backing>> {
    let mut table = table()?;
    match ask(&table, address, &mut []) {
        Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => {
            let mut text = Vec::new();
            table.read_to_end(&mut text)?;
            Ok(find(&text, address))
        }
        answer => Ok(answer?.map(|(backing, _)| backing)),
    }
}

/// What the text of the table says about an address.
fn find(table: &[u8], address: usize) -> Option<Backing> {
    lines(table)
        .find(|line| (line.start..line.end).contains(&address))
        .map(|line| line.backing)
}

/// `struct procmap_query` in Linux's `<linux/fs.h>`.
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    flags: u64,
    address: u64,
    start: u64,
    end: u64,
    vma_flags: u64,
    page_size: u64,
    offset: u64,
    inode: u64,
    major: u32,
    minor: u32,
    name_size: u32,
    build_id_size: u32,
    name: u64,
    build_id: u64,
}

/// `PROCMAP_QUERY`: `_IOWR('f', 17, struct procmap_query)`. Where a processor's numbers are made differently, the kernel
/// does not know this one, and the table is read.
const PROCMAP_QUERY: libc::Ioctl = 0xc068_6611_u32 as libc::Ioctl;

/// Asks the kernel about one address. `name` takes the path, unless it is empty; how long that is comes along.
fn ask(file: &File, address: usize, name: &mut [u8]) -> io::Result<Option<(Backing, usize)>> {
    const { assert!(size_of::<Query>() == 0x68) };
    let mut query = Query {
        size: size_of::<Query>() as u64,
        address: address as u64,
        name_size: u32::try_from(name.len()).unwrap_or(u32::MAX),
        ..Query::default()
    };
    if !name.is_empty() {
        query.name = name.as_mut_ptr().expose_provenance() as u64;
    }
    // SAFETY: this request reads and writes a `struct procmap_query`, whose size is in the request and in its first field, and
    // writes at most `name_size` bytes to where `name` points, which are borrowed here as long; no buffer for a build id is given.
    let failed = unsafe { libc::ioctl(file.as_raw_fd(), PROCMAP_QUERY, ptr::from_mut(&mut query)) };
    if failed == 0 {
        let backing = Backing {
            device: (query.major, query.minor),
            inode: query.inode,
        };
        // With the byte 0 at its end; 0 if it has no name.
        let length = usize::try_from(query.name_size).unwrap_or(0);
        return Ok(Some((backing, length.saturating_sub(1))));
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::ENOENT) {
        Ok(None)
    } else {
        Err(error)
    }
}

/// A line of `/proc/self/maps`.
struct Line<'a> {
    start: usize,
    end: usize,
    backing: Backing,
    /// What the kernel names it. A line break in it is written as `\012`.
    path: &'a [u8],
}

/// The lines of the table.
fn lines(table: &[u8]) -> impl Iterator<Item = Line<'_>> {
    table.split(|byte| *byte == b'\n').filter_map(line)
}

fn line(line: &[u8]) -> Option<Line<'_>> {
    // 7f0a00000000-7f0a00001000 r--p 00000000 00:01 1234   /path with spaces
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let mut field = || fields.next().and_then(|field| str::from_utf8(field).ok());
    let (start, end) = field()?.split_once('-')?;
    let (_permissions, _offset) = (field()?, field()?);
    let (major, minor) = field()?.split_once(':')?;
    let inode = field()?.parse().ok()?;
    let device = (
        u32::from_str_radix(major, 16).ok()?,
        u32::from_str_radix(minor, 16).ok()?,
    );
    Some(Line {
        start: usize::from_str_radix(start, 16).ok()?,
        end: usize::from_str_radix(end, 16).ok()?,
        backing: Backing { device, inode },
        path: fields.next().unwrap_or_default().trim_ascii_start(),
    })
}

/// A page of a file, mapped and never read: reading could raise SIGBUS if somebody cut the file short.
struct Page(*mut c_void);

/// The length of the mapping: the kernel rounds it up to a page.
const LENGTH: usize = 1;

impl Page {
    fn map(file: &File) -> io::Result<Self> {
        // SAFETY: a new mapping at an address that the kernel chooses touches nothing that exists.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                LENGTH,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self(address))
        }
    }

    fn address(&self) -> usize {
        self.0.addr()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no reference into it exists.
        let _failed: c_int = unsafe { libc::munmap(self.0, LENGTH) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn both_ways_give_the_same_answer() {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let page = Page::map(&file).unwrap();
        let stack = 0u8;
        let maps = File::open("/proc/self/maps").unwrap();
        let table = std::fs::read("/proc/self/maps").unwrap();
        let both = |address| {
            let found = find(&table, address);
            // Kernels before 6.11 cannot be asked.
            if let Ok(answer) = ask(&maps, address, &mut []) {
                assert_eq!(answer.map(|(backing, _)| backing), found);
            }
            assert_eq!(files(&[address]), [named(&table, address)]);
            assert_eq!(backing(address).unwrap(), found);
            found.map(|backing| backing.inode)
        };
        assert_eq!(both(page.address()), Some(file.metadata().unwrap().ino()));
        assert_eq!(both(ptr::from_ref(&stack).addr()), Some(0));
        assert_eq!(both(1), None);
    }

    #[test]
    fn lines_of_the_table_are_read() {
        let table = b"1000-2000 r--p 00000000 00:01 11   /memfd:a (deleted)\n2000-3000 rw-p 00001000 fd:1a 12 /b c\xff\n\
                      7000-8000 rw-p 00000000 00:00 0 \nnonsense\n";
        let found: Vec<_> = lines(table)
            .map(|line| {
                (
                    line.start,
                    line.end,
                    line.backing.device,
                    line.backing.inode,
                    line.path,
                )
            })
            .collect();
        let expected = [
            (0x1000, 0x2000, (0, 1), 11, b"/memfd:a (deleted)".as_slice()),
            (0x2000, 0x3000, (0xfd, 0x1a), 12, b"/b c\xff"),
            (0x7000, 0x8000, (0, 0), 0, b""),
        ];
        assert_eq!(found, expected);
        let inode = |address| find(table, address).map(|backing| backing.inode);
        let found = [0xfff, 0x1000, 0x1fff, 0x2000, 0x3000].map(inode);
        assert_eq!(found, [None, Some(11), Some(11), Some(12), None]);
    }
}
