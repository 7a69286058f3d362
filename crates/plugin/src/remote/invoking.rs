//! Calling an object whose interface nobody here knows, by the number of a method.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::connection::{Link, crossing, raw};
use super::handover::let_go;
use crate::abi::{InvokeContext, KeepAlive, RawInterface, RawVec};
use crate::portable::Portable;
use crate::{CallError, CallErrorKind};

/// An object of any interface: what a connection hands about.
///
/// Its clones are the same object, which lives as long as one of them.
pub struct Object(RawInterface);

// SAFETY: whoever makes a handle of it again answers for what its interface allows; here it
// is only counted, called and passed on. Objects whose trait is not Send never get here by
// safe code of one thread and leave by another: a `Link` is what may not do that.
unsafe impl Send for Object {}
// SAFETY: as for Send.
unsafe impl Sync for Object {}

impl Object {
    /// Takes an object over.
    ///
    /// # Safety
    /// `raw` is an object with its vtable and what keeps that, and is used once.
    #[must_use]
    pub(crate) unsafe fn from_raw(raw: RawInterface) -> Self {
        Self(raw)
    }

    /// Gives the object away.
    pub(crate) fn into_raw(self) -> RawInterface {
        std::mem::ManuallyDrop::new(self).0
    }

    /// Calls the method with this number, counted from 0 in the order of the interface. The
    /// input is that method's arguments as bytes, as a remote handle sends them.
    ///
    /// # Errors
    /// What the call failed with.
    pub fn invoke(
        &self,
        invocation: &Invocation,
        method: u32,
        input: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        // SAFETY: this object is kept, with its vtable.
        let Some(invoke) = (unsafe { (*self.0.object.vtable).invoke }) else {
            if let Some(link) = &invocation.link {
                let_go(link, input).map_err(|invalid| CallError::invalid("", invalid))?;
            }
            let without = "its library cannot be called by number";
            return Err(CallError::new(CallErrorKind::Unsupported, "", without));
        };
        let link = invocation.link.clone().map(raw);
        let context = InvokeContext {
            size: size_of::<InvokeContext>(),
            link: link.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            time_left: crossing(invocation.limit),
            context: Arc::as_ptr(&invocation.cancel).cast(),
            cancelled: Some(cancelled),
        };
        let mut output = std::mem::MaybeUninit::uninit();
        // SAFETY: as above; the context and both places live as long as the call.
        let status = unsafe {
            invoke(
                self.0.object.object,
                &raw const context,
                method,
                input.into_abi(),
                output.as_mut_ptr(),
            )
        };
        // SAFETY: the reference that was made above is given up once, after its last use.
        drop(link.map(|link| unsafe { KeepAlive::from_raw(link.keep) }));
        // SAFETY: the output is always written.
        let output = unsafe { output.assume_init() };
        // SAFETY: it was written by a function that owes its value.
        unsafe { result_of(status, output) }
    }
}

/// What a call by number gave.
///
/// # Safety
/// `output` was written by the function that returned `status`, and is used once.
pub(super) unsafe fn result_of(status: u32, output: RawVec) -> Result<Vec<u8>, CallError> {
    // SAFETY: by this function's contract it is a vector of bytes.
    let bytes = unsafe { Vec::<u8>::from_abi(output) }
        .map_err(|invalid| CallError::invalid("", invalid))?;
    if status == 0 {
        Ok(bytes)
    } else {
        Err(CallError::from_bytes(&bytes))
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        let object = self.0.object;
        // SAFETY: this object is kept, with its vtable.
        unsafe { object.retain() };
        // SAFETY: this object holds a reference meanwhile.
        let keep = unsafe { KeepAlive::retained(self.0.keep) };
        Self(RawInterface {
            object,
            keep: keep.into_raw(),
        })
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let object = self.0.object;
        // SAFETY: the reference that this object holds is given up once, below.
        let keep = unsafe { KeepAlive::from_raw(self.0.keep) };
        // SAFETY: this object is kept, with its vtable; the reference is given up once.
        let reply = unsafe { object.release() };
        // SAFETY: every `release` returns what stands for `()`. A destructor that panicked
        // has nobody to tell here.
        let _ = unsafe { reply.take::<()>("drop") };
        drop(keep);
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Object")
            .field(&self.0.object.object)
            .finish()
    }
}

/// What a call by number is made in.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    link: Option<Arc<dyn Link>>,
    limit: Option<Duration>,
    cancel: Arc<AtomicBool>,
}

impl Invocation {
    /// A call with values only, that takes as long as it takes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Objects among arguments and results cross this connection.
    #[must_use]
    pub fn with_link(mut self, link: Arc<dyn Link>) -> Self {
        self.link = Some(link);
        self
    }

    /// The caller waits so long. Nothing is ended by force: the method can ask ([`time_left`](super::time_left)).
    #[must_use]
    pub fn with_limit(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// The caller does not want the result any more when this becomes true. Nothing is
    /// ended by force: the method can ask ([`is_cancelled`](super::is_cancelled)).
    #[must_use]
    pub fn with_cancel(mut self, cancel: Arc<AtomicBool>) -> Self {
        self.cancel = cancel;
        self
    }
}

unsafe extern "C" fn cancelled(context: *const ()) -> u8 {
    // SAFETY: the invocation lives as long as the call, and the flag with it.
    u8::from(unsafe { &*context.cast::<AtomicBool>() }.load(Ordering::Relaxed))
}

pub(super) fn vec_of(bytes: Vec<u8>) -> RawVec {
    bytes.into_abi()
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    // All bits set stand for ever, which 584 years come close to.
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn within(time_left: u64) -> Option<Duration> {
    (time_left != u64::MAX).then(|| Duration::from_nanos(time_left))
}
