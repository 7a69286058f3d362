//! Files on Windows: which one it is, and copies that nobody can write while they are open.

use super::api;
use crate::image::Identity;
use crate::os::Seen;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::os::windows::io::AsRawHandle as _;
use std::path::Path;

/// `FILE_SHARE_READ` and `FILE_SHARE_WRITE`: what others may do meanwhile. Without `FILE_SHARE_DELETE` they can neither rename
/// nor remove the file.
const SHARE_READ: u32 = 1;
const SHARE_WRITE: u32 = 2;
/// `FILE_FLAG_BACKUP_SEMANTICS`: folders can be opened, too.
const BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// `FILE_FLAG_OPEN_REPARSE_POINT`: opens a link itself.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// `FILE_ATTRIBUTE_DIRECTORY`, `FILE_ATTRIBUTE_DEVICE` and `FILE_ATTRIBUTE_REPARSE_POINT`.
const NOT_A_FILE: u32 = 0x10 | 0x40 | 0x400;

/// Reading and writing at an offset, as Unix has them.
pub(crate) trait FileAt {
    /// Reads some bytes.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes some bytes.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads all of `buffer`.
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(buffer, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    buffer = &mut buffer[count..];
                    offset += count as u64;
                }
            }
        }
        Ok(())
    }

    /// Writes all of `bytes`.
    fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => {
                    bytes = &bytes[count..];
                    offset += count as u64;
                }
            }
        }
        Ok(())
    }
}

/// These move the file's own position, which nobody asks for here.
impl FileAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.seek_read(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.seek_write(bytes, offset)
    }
}

/// What an open file is. Its index of 64 bits is the whole number on NTFS; on ReFS it is a part of one.
pub(crate) fn look(file: &File) -> io::Result<Seen> {
    let mut told = api::FileInformation::default();
    // SAFETY: the handle is that of an open file, and `told` is a structure of the expected type.
    if unsafe { api::GetFileInformationByHandle(file.as_raw_handle(), &raw mut told) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let long = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    Ok(Seen {
        identity: Identity {
            device: told.volume.into(),
            inode: long(told.index_high, told.index_low),
        },
        is_file: told.attributes & NOT_A_FILE == 0,
        size: long(told.size_high, told.size_low),
    })
}

/// What a path leads to.
pub(crate) fn look_at(path: &Path) -> io::Result<Seen> {
    // No access to the contents is asked for, so that no sharing stands in the way.
    let file = OpenOptions::new()
        .access_mode(0)
        .custom_flags(BACKUP_SEMANTICS)
        .open(path)?;
    look(&file)
}

/// Opens a file for reading.
pub(crate) fn readable(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Makes a file that nobody else can open until it is closed.
pub(crate) fn create_copy(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .share_mode(0)
        .open(path)
}

/// Opens a copy for reading that was written through `writer`; `None` if another file lies there by now.
///
/// While what is returned is open nobody can write, rename or remove the file, this process included. The system's loader
/// would not share it with a writer, so that one has to be closed first: what is judged is what is read from now on.
pub(crate) fn reopen_copy(path: &Path, writer: File) -> io::Result<Option<File>> {
    let written = look(&writer)?.identity;
    drop(writer);
    let file = OpenOptions::new()
        .read(true)
        .share_mode(SHARE_READ)
        .custom_flags(OPEN_REPARSE_POINT)
        .open(path)?;
    let same = look(&file)?.identity == written;
    Ok(same.then_some(file))
}

/// Access lists are not read.
pub(crate) fn is_private(folder: &Path) -> io::Result<bool> {
    fs::metadata(folder).map(|_| true)
}

/// Makes a folder with the rights of the one above.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Makes a file to be locked, which keeps its name as long as it is open.
pub(crate) fn create_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .share_mode(SHARE_READ | SHARE_WRITE)
        .open(path)
}

/// Whether an open file still has a name: it was opened so that it keeps it.
pub(crate) fn is_named(_lock: &File) -> io::Result<bool> {
    Ok(true)
}

/// Opens a file that may be such a lock, if it is one and no link.
pub(crate) fn open_lock(path: &Path) -> Option<File> {
    let lock = OpenOptions::new()
        .read(true)
        .custom_flags(OPEN_REPARSE_POINT)
        .open(path)
        .ok()?;
    look(&lock).ok()?.is_file.then_some(lock)
}

/// Whether a path is that of a folder, and no link.
pub(crate) fn is_own_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}
