//! Being called by number: a method is found, its arguments are decoded, and its result is encoded.

use std::cell::Cell;
use std::time::{Duration, Instant};

use plugwright_manifest::schema::{InterfaceShape, Receiver};

use super::connection::{self, answer};
use super::description::{self, DESCRIBE};
use super::handover::Handover;
use super::invoking::within;
use super::proxy::Proxy;
use crate::abi::{InvokeContext, RawLink, RawObject, RawSlice, RawVec, VtableHead};
use crate::encoding::{Arena, Decoder, Encoder};
use crate::handle::borrowed_calls;
use crate::instance::{Fault, Using, at_home, guarded};
use crate::interface::{Interface, Provides};
use crate::portable::{Invalid, Kept, Portable};
use crate::{CallError, CallErrorKind, arrived};

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

/// What a call by number came with.
struct Arrived<'a> {
    link: Option<&'a RawLink>,
    handover: Option<Handover<'a>>,
    values: &'a [u8],
}

impl<'a> Arrived<'a> {
    /// # Errors
    /// When the connection is not whole, or the input no message.
    ///
    /// # Safety
    /// The input and the connection are lent during `'a`.
    unsafe fn read(context: &InvokeContext, input: RawSlice) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        let input = unsafe { <&'a [u8]>::from_abi(input) }?;
        // SAFETY: by this function's contract; it may be null.
        let link = unsafe { connection::arrived(context.link) }?;
        let Some(link) = link else {
            return Ok(Self {
                link: None,
                handover: None,
                values: input,
            });
        };
        let (handover, values) = Handover::arrived(link, input)?;
        Ok(Self {
            link: Some(link),
            handover: Some(handover),
            values,
        })
    }
}

/// # Safety
/// The context is null or has its size in front, and is lent during `'a`.
unsafe fn whole<'a>(context: *const InvokeContext) -> Result<&'a InvokeContext, Invalid> {
    // SAFETY: by this function's contract.
    unsafe { arrived::sized(context) }
        .filter(|context| context.cancelled.is_some())
        .ok_or(Invalid::new(&"what a call by number is made in, whole"))
}

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
        let context = unsafe { whole(context) }?;
        // First, so that what it hands over is given back whatever the call fails with.
        // SAFETY: by this function's contract.
        let arrived = unsafe { Arrived::read(context, input) }?;
        let nested = Nested::enter(context);
        if is_cancelled() {
            let kind = match time_left() {
                Some(Duration::ZERO) => CallErrorKind::TimedOut,
                _ => CallErrorKind::Cancelled,
            };
            return Err(CallError::new(kind, "", "before the method began").into());
        }
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
        let mut out = unsafe { Encoder::of_call(arrived.link, is_kept.then_some(called)) };
        let arena = Arena::default();
        let kept = Kept::when(true);
        let mut decoder = Decoder::new(arrived.values, &arena, arrived.handover.as_ref());
        // SAFETY: the vtable is for the object, which is kept during the call; the bytes are lent
        // for that.
        unsafe { (self.dispatch)(object, self.vtable, method, &mut decoder, &mut out) }?;
        arena.give_back(&mut out);
        let bytes = out.finish().map(|(bytes, _)| bytes)?;
        drop((kept, arena, using, nested));
        Ok(bytes)
    }

    /// Answers a call that is not made, and gives back what it hands over.
    ///
    /// # Safety
    /// As [`Known::invoke`].
    unsafe fn refused(
        error: CallError,
        context: *const InvokeContext,
        input: RawSlice,
        output: *mut RawVec,
    ) -> u32 {
        // SAFETY: by this function's contract.
        let unread = guarded(|| unsafe { Self::unread(context, input) });
        // SAFETY: the caller gives a place for the output.
        unsafe { answer(unread.and(Err(error)), output) }
    }

    /// # Safety
    /// As [`Known::invoke`].
    unsafe fn unread(context: *const InvokeContext, input: RawSlice) -> Result<(), Fault> {
        // SAFETY: the caller lends the context for the call.
        let context = unsafe { whole(context) }?;
        // SAFETY: by this function's contract.
        drop(unsafe { Arrived::read(context, input) }?);
        Ok(())
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
                // SAFETY: by this function's contract.
                return unsafe { Self::refused(error, context, input, output) };
            }
            // SAFETY: by this function's contract, and it is kept during the call.
            match unsafe { Using::enter(object, Receiver::Shared) } {
                Ok(using) => Some(using),
                // SAFETY: as above.
                Err(error) => return unsafe { Self::refused(error, context, input, output) },
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
                // SAFETY: by this function's contract.
                unsafe { Self::refused(error, context, input, output) }
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
