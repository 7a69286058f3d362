//! A connection as this side implements it, and as it crosses to libraries of this process.

use std::fmt;
use std::mem::offset_of;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::invoking::{Object, nanoseconds, vec_of, within};
use crate::abi::{KeepAlive, RawInterface, RawLink, RawSlice, RawVec};
use crate::portable::{Invalid, Portable};
use crate::{CallError, arrived};

/// Carries calls to a side that shares no memory with this one, and keeps what was given to
/// it: implemented by whoever owns the pipe.
///
/// Messages arrive in the order in which they were sent. Every function may be called on
/// any thread, also while a call is being carried. None may panic: the calls that they
/// serve have no other way to fail than their result.
///
/// When the connection ends, whoever owns it makes three things true in this order: it is not
/// [open](Self::is_open); the calls that are being carried fail, and so do later ones; the
/// objects that the other side had are dropped, none of them under a lock. The last is how
/// those learn of it who wait for a future there.
pub trait Link: Send + Sync + 'static {
    /// Calls a method of the other side's object: what [`Object::invoke`] does there, with
    /// its result. `limit` is how long the caller waits; `None` stands for ever.
    ///
    /// While the connection is open the call is sent, even when there is no time left: the input may
    /// hand objects over, which are given back where it is read. A reply that comes when nobody waits
    /// any more may hand objects over too: they are [let go of](super::let_go).
    ///
    /// # Errors
    /// What the call failed with, or that it could not be carried.
    fn call(
        &self,
        object: u64,
        method: u32,
        input: &[u8],
        limit: Option<Duration>,
    ) -> Result<Vec<u8>, CallError>;

    /// Keeps an object of this side that the other side gets, and says its number. The
    /// other side has one reference.
    fn export(&self, object: Object) -> u64;

    /// Takes back one of the references that the other side has to an object of this side.
    fn import(&self, number: u64) -> Option<Object>;

    /// Tells the other side that there is another reference to its object.
    fn retain(&self, object: u64);

    /// Tells the other side that there is one less.
    fn release(&self, object: u64);

    /// Whether calls can be carried: `false` for good once the connection has ended.
    fn is_open(&self) -> bool;
}

impl fmt::Debug for dyn Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

type Shared = Arc<dyn Link>;

/// A connection with a reference of one's own to it.
pub(crate) struct KeptLink {
    raw: RawLink,
    _keep: KeepAlive,
}

impl KeptLink {
    /// # Safety
    /// The connection is kept by somebody meanwhile.
    pub(crate) unsafe fn retained(link: &RawLink) -> Self {
        Self {
            raw: *link,
            // SAFETY: by this function's contract.
            _keep: unsafe { KeepAlive::retained(link.keep) },
        }
    }

    /// As [`Link::is_open`].
    pub(crate) fn is_open(&self) -> bool {
        // SAFETY: the connection is kept.
        unsafe { (self.raw.is_open)(self.raw.keep.context) != 0 }
    }
}

impl Deref for KeptLink {
    type Target = RawLink;

    fn deref(&self) -> &RawLink {
        &self.raw
    }
}

/// The connection as it crosses, with a reference of its own to it.
pub(super) fn raw(link: Shared) -> RawLink {
    RawLink {
        size: size_of::<RawLink>(),
        keep: KeepAlive::new(Arc::new(link)).into_raw(),
        call,
        export,
        import,
        retain,
        release,
        is_open,
    }
}

/// A connection that the other side lends; `None` when it lends none.
///
/// # Errors
/// When it is shorter than it has to be, or a function is missing.
///
/// # Safety
/// `link` is null or a connection with its size in front, lent during `'a`.
pub(super) unsafe fn arrived<'a>(link: *const RawLink) -> Result<Option<&'a RawLink>, Invalid> {
    const FUNCTIONS: [usize; 8] = [
        offset_of!(RawLink, keep.retain),
        offset_of!(RawLink, keep.release),
        offset_of!(RawLink, call),
        offset_of!(RawLink, export),
        offset_of!(RawLink, import),
        offset_of!(RawLink, retain),
        offset_of!(RawLink, release),
        offset_of!(RawLink, is_open),
    ];
    if link.is_null() {
        return Ok(None);
    }
    // As words until it is known that there is no null among them, which no function is.
    let words = link.cast::<[usize; size_of::<RawLink>() / size_of::<usize>()]>();
    // SAFETY: by this function's contract.
    let is_whole = unsafe { arrived::sized(words) }.is_some_and(|words| {
        let functions = FUNCTIONS.map(|offset| words[offset / size_of::<usize>()]);
        functions.iter().all(|function| *function != 0)
    });
    if !is_whole {
        return Err(Invalid::new(&"a connection with all its functions"));
    }
    // SAFETY: by this function's contract and what was just seen.
    Ok(unsafe { link.as_ref() })
}

/// # Safety
/// `context` is that of a [`raw`] connection, and is kept during the call.
unsafe fn link<'a>(context: *const ()) -> &'a Shared {
    // SAFETY: by this function's contract it points to what the keep-alive keeps.
    unsafe { &*context.cast::<Shared>() }
}

unsafe extern "C" fn call(
    context: *const (),
    object: u64,
    method: u32,
    input: RawSlice,
    time_left: u64,
    output: *mut RawVec,
) -> u32 {
    // SAFETY: the caller keeps the connection.
    let link = unsafe { link(context) };
    // SAFETY: the caller lends the bytes for the call.
    let input = unsafe { <&[u8]>::from_abi(input) };
    let result = match input {
        Ok(input) => link.call(object, method, input, within(time_left)),
        Err(invalid) => Err(CallError::invalid("", invalid)),
    };
    // SAFETY: the caller gives a place for the output.
    unsafe { answer(result, output) }
}

/// Writes what a call gave to its place, and says what is returned.
///
/// # Safety
/// `output` is a place for it, or null.
pub(super) unsafe fn answer(result: Result<Vec<u8>, CallError>, output: *mut RawVec) -> u32 {
    let (status, bytes) = match result {
        Ok(bytes) => (0, bytes),
        // Never 0, which would be a result; an unknown kind is in the bytes.
        Err(error) => ((error.kind() as u32).max(1), error.to_bytes()),
    };
    if !output.is_null() {
        // SAFETY: by this function's contract.
        unsafe { output.write(vec_of(bytes)) };
    }
    status
}

unsafe extern "C" fn export(context: *const (), object: RawInterface) -> u64 {
    // SAFETY: the caller gives the object away.
    let object = unsafe { Object::from_raw(object) };
    // SAFETY: the caller keeps the connection.
    unsafe { link(context) }.export(object)
}

unsafe extern "C" fn import(context: *const (), number: u64, object: *mut RawInterface) -> u8 {
    // SAFETY: the caller keeps the connection.
    match unsafe { link(context) }.import(number) {
        Some(found) => {
            // SAFETY: the caller gives a place for the object.
            unsafe { object.write(found.into_raw()) };
            1
        }
        None => 0,
    }
}

unsafe extern "C" fn retain(context: *const (), object: u64) {
    // SAFETY: the caller keeps the connection.
    unsafe { link(context) }.retain(object);
}

unsafe extern "C" fn release(context: *const (), object: u64) {
    // SAFETY: the caller keeps the connection.
    unsafe { link(context) }.release(object);
}

unsafe extern "C" fn is_open(context: *const ()) -> u8 {
    // SAFETY: the caller keeps the connection.
    u8::from(unsafe { link(context) }.is_open())
}

/// Takes an object of this side out of a connection again.
///
/// # Errors
/// When the other side has none of this number.
pub(crate) fn come_home(link: &RawLink, number: u64) -> Result<Object, Invalid> {
    let mut object = std::mem::MaybeUninit::uninit();
    // SAFETY: whoever lends the connection keeps it.
    let found = unsafe { (link.import)(link.keep.context, number, object.as_mut_ptr()) };
    if found == 1 {
        // SAFETY: it was written, as the answer says.
        let object = unsafe { object.assume_init() };
        // SAFETY: it is this function's, which gives it on.
        Ok(unsafe { Object::from_raw(object) })
    } else {
        Err(Invalid::new(
            &"the number of an object that the other side has",
        ))
    }
}

/// How long the caller of `limit` waits, as it crosses.
pub(super) fn crossing(limit: Option<Duration>) -> u64 {
    limit.map_or(u64::MAX, nanoseconds)
}
