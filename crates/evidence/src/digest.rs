//! The digest of bytes that can be read at any offset.
//!
//! BLAKE3 is a tree: the pieces of a large file are digested by as many threads as the machine has processors, up to a few, each
//! taking the next piece that nobody has, and their results are put together in order. What comes out is the digest that one
//! pass gives.

use blake3::Hasher;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use plugwright_inspect::ReadAt;
use plugwright_trust::Digest;
use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// How many bytes are read at once. They stay in the processor's second-level cache between reading and hashing.
const CHUNK: usize = 128 * 1024;

/// What one thread digests before it asks for more: a subtree of BLAKE3's has a power of two bytes.
const PIECE: u64 = 256 * 1024;

/// From this size on several threads pay: starting one takes as long as digesting about 100 kB.
const LARGE: u64 = 1024 * 1024;

/// More threads than this wait for memory and not for each other.
const THREADS: usize = 4;

/// Computes the BLAKE3 digest of all bytes from offset 0 to the end. For more than a megabyte up to four threads help, and end
/// before this returns.
///
/// Nothing is mapped: a mapped file that somebody cuts short raises SIGBUS.
///
/// # Errors
/// What `read_at` returns, but for interruptions, which are tried again; and that a large file became shorter or longer while it
/// was read.
pub fn digest<B: ReadAt + Sync + ?Sized>(bytes: &B) -> io::Result<Digest> {
    let size = bytes.size();
    if size < LARGE {
        return digest_with(bytes, &mut |_| ());
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    digest_by(bytes, size, threads.min(THREADS))
}

/// The same in one pass, and hands all bytes on, each once and in order.
pub(crate) fn digest_with<B: ReadAt + ?Sized>(
    bytes: &B,
    also: &mut dyn FnMut(&[u8]),
) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let room = usize::try_from(bytes.size()).map_or(CHUNK, |size| size.clamp(1, CHUNK));
    let mut buffer = vec![0; room];
    let mut offset = 0;
    loop {
        match bytes.read_at(&mut buffer, offset) {
            Ok(0) => return Ok(Digest::from_bytes(*hasher.finalize().as_bytes())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                also(&buffer[..count]);
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The digest of `size` bytes, which are more than a piece, by several threads.
fn digest_by<B: ReadAt + Sync + ?Sized>(
    bytes: &B,
    size: u64,
    threads: usize,
) -> io::Result<Digest> {
    let next = AtomicU64::new(0);
    let work = || -> io::Result<Vec<(u64, ChainingValue)>> {
        let mut buffer = vec![0; CHUNK];
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let start = number.saturating_mul(PIECE);
            if start >= size {
                return Ok(done);
            }
            let end = size.min(start + PIECE);
            done.push((number, piece(bytes, start, end, &mut buffer)?));
        }
    };
    let mut pieces = thread::scope(|scope| -> io::Result<Vec<(u64, ChainingValue)>> {
        // A thread that the system does not give is not needed: this one does the work then.
        let helpers: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut pieces = work()?;
        for helper in helpers {
            match helper.join() {
                Ok(done) => pieces.extend(done?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(pieces)
    })?;
    let after = loop {
        match bytes.read_at(&mut [0], size) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            after => break after?,
        }
    };
    if after > 0 {
        let told = "the file became longer while it was read";
        return Err(io::Error::new(io::ErrorKind::InvalidData, told));
    }
    pieces.sort_unstable_by_key(|(number, _)| *number);
    let values: Vec<ChainingValue> = pieces.into_iter().map(|(_, value)| value).collect();
    let (left, right, length) = halves(&values, size);
    let root = merge_subtrees_root(
        &subtree(left, length),
        &subtree(right, size - length),
        Mode::Hash,
    );
    Ok(Digest::from_bytes(*root.as_bytes()))
}

/// The value of one piece, from `start` to `end`.
fn piece<B: ReadAt + ?Sized>(
    bytes: &B,
    start: u64,
    end: u64,
    buffer: &mut [u8],
) -> io::Result<ChainingValue> {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(start);
    let mut offset = start;
    while offset < end {
        let room =
            usize::try_from(end - offset).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        match bytes.read_at(&mut buffer[..room], offset) {
            Ok(0) => {
                let told = "the file became shorter while it was read";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, told));
            }
            Ok(count) => {
                hasher.update(&buffer[..count]);
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finalize_non_root())
}

/// The value of a subtree of `length` bytes from those of its pieces.
fn subtree(pieces: &[ChainingValue], length: u64) -> ChainingValue {
    match pieces {
        [one] => *one,
        several => {
            let (left, right, split) = halves(several, length);
            merge_subtrees_non_root(
                &subtree(left, split),
                &subtree(right, length - split),
                Mode::Hash,
            )
        }
    }
}

/// The pieces of the left and of the right half of a tree of `length` bytes, and the length of the left one, which is the largest
/// power of two below: with more than one piece that is a whole number of pieces.
fn halves(pieces: &[ChainingValue], length: u64) -> (&[ChainingValue], &[ChainingValue], u64) {
    let split = left_subtree_len(length);
    let at = usize::try_from(split / PIECE).unwrap_or(usize::MAX);
    let (left, right) = pieces.split_at(at.min(pieces.len()));
    (left, right, split)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Bytes that differ from each other and from what they would be elsewhere.
    fn bytes(count: u64) -> Vec<u8> {
        (0..count)
            .map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 13 & 0xff).unwrap())
            .collect()
    }

    /// Gives less at a time than it is asked for, is interrupted now and then, and says a size that need not be its own.
    struct Unreliable {
        bytes: Vec<u8>,
        size: u64,
        calls: Mutex<u64>,
    }

    impl ReadAt for Unreliable {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            if (*calls).is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let room = buffer.len().min(50_001);
            self.bytes.as_slice().read_at(&mut buffer[..room], offset)
        }

        fn size(&self) -> u64 {
            self.size
        }
    }

    #[test]
    fn several_threads_come_to_the_digest_of_one_pass() {
        let pieces = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17].map(|pieces| pieces * PIECE);
        let around = |size: u64| [size - 1, size, size + 1, size + 1024, size + PIECE / 2];
        let sizes = pieces.into_iter().flat_map(around);
        for size in sizes.filter(|size| *size > PIECE) {
            let bytes = bytes(size);
            let expected = blake3::hash(&bytes);
            for threads in [1, 2, 3, 64] {
                let found = digest_by(bytes.as_slice(), size, threads).unwrap();
                assert_eq!(found.as_bytes(), expected.as_bytes(), "{size}, {threads}");
            }
        }
    }

    #[test]
    fn every_size_has_its_digest() {
        for size in [0, 1, 1024, CHUNK as u64, LARGE - 1, LARGE, LARGE + 1] {
            let bytes = bytes(size);
            let expected = blake3::hash(&bytes);
            assert_eq!(digest(&bytes).unwrap().as_bytes(), expected.as_bytes());
            let unreliable = Unreliable {
                bytes,
                size,
                calls: Mutex::default(),
            };
            let found = digest(&unreliable).unwrap();
            assert_eq!(found.as_bytes(), expected.as_bytes(), "{size}");
        }
    }

    #[test]
    fn a_large_file_that_changes_its_size_meanwhile_has_none() {
        for (size, kind) in [
            (LARGE + 7, io::ErrorKind::UnexpectedEof),
            (LARGE + 5, io::ErrorKind::InvalidData),
        ] {
            let changed = Unreliable {
                bytes: bytes(LARGE + 6),
                size,
                calls: Mutex::default(),
            };
            assert_eq!(digest(&changed).unwrap_err().kind(), kind);
        }
    }
}
