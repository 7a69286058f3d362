//! Owned bytes that cross without a copy.

use std::fmt;
use std::ops::{Deref, DerefMut};

use plugwright_manifest::schema::{Scalar, Shape};

use super::sequences::FREED;
use super::{Invalid, Portable};
use crate::abi::{KeepAlive, RawBuffer, RawVec};
use crate::encoding::{Decoder, Encoder};
use crate::own;

/// Owned bytes that stay in the memory of the side that allocated them, wherever they go.
///
/// A `Vec<u8>` is copied once by its receiver, since each library has its own allocator. A
/// buffer is not: it carries the function that frees it, and keeps the library loaded that
/// the function is in.
///
/// ```
/// use plugwright_plugin::Buffer;
///
/// let mut buffer = Buffer::from(vec![1, 2, 3]);
/// buffer[0] = 7;
/// assert_eq!(*buffer, [7, 2, 3]);
/// ```
pub struct Buffer {
    bytes: RawVec,
    keep: KeepAlive,
}

// SAFETY: a buffer owns its bytes exclusively; its release function is that of an
// allocator, which may be called on any thread.
unsafe impl Send for Buffer {}
// SAFETY: through a shared reference the bytes are only read.
unsafe impl Sync for Buffer {}

impl From<Vec<u8>> for Buffer {
    /// Takes the vector over, without a copy.
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into_abi(),
            keep: own::keep(),
        }
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes are owned by this buffer until it is dropped; `from_abi`
        // refused pointers and lengths that no slice has.
        unsafe { std::slice::from_raw_parts(self.bytes.pointer, self.bytes.length) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for reading; the buffer is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.pointer, self.bytes.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let RawVec {
            pointer,
            length,
            capacity,
            release,
        } = self.bytes;
        if let Some(release) = release {
            // SAFETY: the bytes are owned and freed once, while their library is kept.
            unsafe { release(pointer, length, capacity) };
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("length", &self.len())
            .finish_non_exhaustive()
    }
}

// SAFETY: crosses as its bytes, the function that frees them, and what keeps that loaded.
unsafe impl Portable for Buffer {
    type Abi = RawBuffer;

    const SHAPE: &'static Shape = &Shape::Scalar(Scalar::Buffer);

    fn into_abi(self) -> RawBuffer {
        let buffer = std::mem::ManuallyDrop::new(self);
        // SAFETY: the buffer is neither dropped nor used again, so this is the only one.
        let keep = unsafe { std::ptr::read(&raw const buffer.keep) };
        RawBuffer {
            bytes: buffer.bytes,
            keep: keep.into_raw(),
        }
    }

    unsafe fn from_abi(abi: RawBuffer) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        let keep = unsafe { KeepAlive::received(abi.keep) }?;
        let RawVec {
            pointer,
            length,
            release,
            ..
        } = abi.bytes;
        if pointer.is_null() || isize::try_from(length).is_err() {
            // Nothing can be said of such memory, so it is not freed either.
            return Err(Invalid::new(
                &"a Buffer with a pointer and a possible length",
            ));
        }
        release.ok_or(FREED)?;
        Ok(Self {
            bytes: abi.bytes,
            keep,
        })
    }

    fn encode(self, out: &mut Encoder<'_>) {
        (&*self).encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: a vector borrows nothing.
        unsafe { Vec::decode(input) }.map(Self::from)
    }
}
