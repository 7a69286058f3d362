//! Calling an object whose interface nobody here knows, by the number of a method.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plugwright_manifest::schema::{InterfaceShape, Receiver};

use super::connection::{self, Link, answer, crossing, raw};
use super::description::{self, DESCRIBE};
use super::proxy::Proxy;
use crate::abi::{InvokeContext, KeepAlive, RawInterface, RawObject, RawSlice, RawVec, VtableHead};
use crate::encoding::{Arena, Decoder, Encoder};
use crate::handle::borrowed_calls;
use crate::instance::{Fault, Using, at_home, guarded};
use crate::interface::{Interface, Provides};
use crate::portable::{Invalid, Kept, Portable};
use crate::{CallError, CallErrorKind, arrived};

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

    /// The caller waits so long. Nothing is ended by force: the method can ask ([`time_left`]).
    #[must_use]
    pub fn with_limit(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// The caller does not want the result any more when this becomes true. Nothing is
    /// ended by force: the method can ask ([`is_cancelled`]).
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

/// The call by number that runs on this thread.
#[derive(Clone, Copy)]
struct Running {
    context: *const InvokeContext,
    until: Option<Instant>,
}

thread_local! {
    // It has no destructor, so nothing of a library is registered with a thread.
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

/// How long the caller of the innermost remote call on this thread still waits; `None` when
/// for ever, or when the call is not remote.
#[must_use]
pub fn time_left() -> Option<Duration> {
    let until = RUNNING.get()?.until?;
    Some(until.saturating_duration_since(Instant::now()))
}

/// Whether the caller of the innermost remote call on this thread does not want its result
/// any more, or has stopped waiting. False when the call is not remote.
#[must_use]
pub fn is_cancelled() -> bool {
    let Some(running) = RUNNING.get() else {
        return false;
    };
    // SAFETY: it is taken out again before the call ends that the context lives as long as.
    let context = unsafe { &*running.context };
    let cancelled = context.cancelled.is_some_and(|cancelled| {
        // SAFETY: as above.
        unsafe { cancelled(context.context) != 0 }
    });
    cancelled || time_left() == Some(Duration::ZERO)
}

/// Sets the running call, and puts the one before it back in the end.
struct Nested(Option<Running>);

impl Nested {
    fn enter(context: &InvokeContext) -> Self {
        let until = within(context.time_left).and_then(|limit| Instant::now().checked_add(limit));
        Self(RUNNING.replace(Some(Running { context, until })))
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        RUNNING.set(self.0.take());
    }
}

/// In the number of a method, from this bit on, stands which interface that is required it is of:
/// from 1, in their order; 0 stands for none of them.
pub(super) const REQUIRED: u32 = 16;

/// What a call by number has to know of an interface on objects of one type. The rest is compiled
/// once, and not for each of both.
struct Known {
    shape: &'static InterfaceShape,
    any_thread: bool,
    vtable: *const VtableHead,
    dispatch: Dispatch,
}

/// Decodes and calls a method of an object, with its vtable.
type Dispatch = unsafe fn(
    object: *const (),
    vtable: *const VtableHead,
    method: u32,
    input: &mut Decoder<'_>,
    out: &mut Encoder<'_>,
) -> Result<(), Fault>;

/// # Safety
/// The vtable is one of `I` for the object, which is kept during the call, as is what the input
/// reads.
unsafe fn dispatch<I: ?Sized + Interface>(
    object: *const (),
    vtable: *const VtableHead,
    method: u32,
    input: &mut Decoder<'_>,
    out: &mut Encoder<'_>,
) -> Result<(), Fault> {
    // SAFETY: by this function's contract; vtables stay.
    let vtable: &'static I::Vtable = unsafe { &*vtable.cast() };
    // SAFETY: by this function's contract; the calls are used in this call only.
    let mut calls = unsafe { borrowed_calls::<I>(object, vtable) };
    // SAFETY: by this function's contract.
    unsafe { I::dispatch(&mut calls, method, input, out) }
}

/// The `invoke` of a vtable of `I` on objects of `T`.
pub(crate) unsafe extern "C" fn invoke<T: 'static, I: ?Sized + Interface + Provides<T>>(
    object: *const (),
    context: *const InvokeContext,
    method: u32,
    input: RawSlice,
    output: *mut RawVec,
) -> u32 {
    let known = const {
        &Known {
            shape: I::SHAPE,
            any_thread: I::ANY_THREAD,
            vtable: std::ptr::from_ref(I::VTABLE).cast(),
            dispatch: dispatch::<I>,
        }
    };
    // SAFETY: by this function's contract; it is known of this very vtable.
    unsafe { known.invoke(object, context, method, input, output) }
}

impl Known {
    /// # Safety
    /// As an [`Invoke`](crate::abi::Invoke), for objects of the type that this is known of.
    unsafe fn invoke(
        &self,
        object: *const (),
        context: *const InvokeContext,
        method: u32,
        input: RawSlice,
        output: *mut RawVec,
    ) -> u32 {
        let place = usize::try_from(method >> REQUIRED).unwrap_or(usize::MAX);
        if (1..=self.shape.requires.len()).contains(&place) {
            let method = method & ((1 << REQUIRED) - 1);
            // SAFETY: by this function's contract, and there are so many.
            return unsafe {
                self.invoke_required(object, context, place - 1, method, input, output)
            };
        }
        let result = if method == DESCRIBE {
            guarded(|| Ok(self.described(object)?))
        } else {
            // SAFETY: by this function's contract.
            guarded(|| unsafe { self.called(object, context, method, input) })
        };
        // SAFETY: the caller gives a place for the output.
        unsafe { answer(result, output) }
    }

    /// Calls a method of the interface itself.
    ///
    /// # Safety
    /// As [`Known::invoke`].
    unsafe fn called(
        &self,
        object: *const (),
        context: *const InvokeContext,
        method: u32,
        input: RawSlice,
    ) -> Result<Vec<u8>, Fault> {
        // SAFETY: the caller lends the context for the call.
        let context = unsafe { arrived::sized(context) }
            .filter(|context| context.cancelled.is_some())
            .ok_or(Invalid::new(&"what a call by number is made in, whole"))?;
        let nested = Nested::enter(context);
        if is_cancelled() {
            let kind = match time_left() {
                Some(Duration::ZERO) => CallErrorKind::TimedOut,
                _ => CallErrorKind::Cancelled,
            };
            return Err(CallError::new(kind, "", "before the method began").into());
        }
        // SAFETY: the caller lends the bytes for the call.
        let input = unsafe { <&[u8]>::from_abi(input) }?;
        // SAFETY: null, or lent for the call.
        let link = unsafe { connection::arrived(context.link) }?;
        let using = if self.shape.is_exclusive() {
            let index = usize::try_from(method).unwrap_or(usize::MAX);
            let receiver = self.shape.methods.get(index).map(|method| method.receiver);
            let receiver = receiver.unwrap_or(Receiver::Shared);
            // SAFETY: by this function's contract, and it is kept during the call.
            Some(unsafe { Using::enter(object, receiver) }?)
        } else {
            None
        };
        let called = RawObject {
            object,
            vtable: self.vtable,
        };
        let is_kept = self.any_thread && !self.shape.is_exclusive();
        // SAFETY: the object is kept during the call, and the vtable is for it.
        let mut out = unsafe { Encoder::of_call(link, is_kept.then_some(called)) };
        let arena = Arena::default();
        let kept = Kept::when(true);
        let mut decoder = Decoder::new(input, &arena, link);
        // SAFETY: the vtable is for the object, which is kept during the call; the bytes are lent
        // for that.
        unsafe { (self.dispatch)(object, self.vtable, method, &mut decoder, &mut out) }?;
        arena.give_back(&mut out);
        let bytes = out.finish().map(|(bytes, _)| bytes)?;
        drop((kept, arena, using, nested));
        Ok(bytes)
    }

    /// Calls a method of an interface that this one requires.
    ///
    /// # Safety
    /// As [`Known::invoke`], and the interface requires more than `place` others.
    unsafe fn invoke_required(
        &self,
        object: *const (),
        context: *const InvokeContext,
        place: usize,
        method: u32,
        input: RawSlice,
        output: *mut RawVec,
    ) -> u32 {
        let required = self.shape.requires[place];
        // What that interface does not know of itself: that this one has methods which want the
        // object alone.
        let using = if self.shape.is_exclusive() && !required.is_exclusive() {
            let index = usize::try_from(method).unwrap_or(usize::MAX);
            let called = required.methods.get(index);
            if called.is_some_and(|method| !self.shape.is_remotable(method)) {
                let local = "its result borrows an object that others may want alone meanwhile";
                let error = CallError::new(CallErrorKind::Unsupported, "", local);
                // SAFETY: the caller gives a place for the output.
                return unsafe { answer(Err(error), output) };
            }
            // SAFETY: by this function's contract, and it is kept during the call.
            match unsafe { Using::enter(object, Receiver::Shared) } {
                Ok(using) => Some(using),
                // SAFETY: as above.
                Err(error) => return unsafe { answer(Err(error), output) },
            }
        } else {
            None
        };
        // SAFETY: it is the vtable of the interface, which has so many entries for others.
        let vtable = unsafe { description::super_vtable(self.vtable, place) };
        // SAFETY: each is a vtable for the same object.
        let head = unsafe { &*vtable };
        let status = match head.invoke {
            // SAFETY: by this function's contract.
            Some(invoke) => unsafe { invoke(object, context, method, input, output) },
            None => {
                let error = CallError::unsupported(required.id);
                // SAFETY: the caller gives a place for the output.
                unsafe { answer(Err(error), output) }
            }
        };
        drop(using);
        status
    }

    /// What an object has, as bytes.
    fn described(&self, object: *const ()) -> Result<Vec<u8>, Invalid> {
        let itself = RawObject {
            object,
            vtable: self.vtable,
        };
        // SAFETY: the object is one of this vtable, and is kept during the call; a proxy is never
        // used exclusively.
        let proxied = unsafe { at_home::<Proxy, _>(itself, Proxy::vtable) };
        let mut out = Encoder::new(None);
        let required = self.shape.requires.len();
        // SAFETY: both are vtables of the interface.
        unsafe { description::write(proxied.unwrap_or(self.vtable), required, &mut out) };
        out.finish().map(|(bytes, _)| bytes)
    }
}
