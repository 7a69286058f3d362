//! One call: the panic boundary around a method, and the object inside of it.
//!
//! All that is compiled anew for each method is here, and is little: it is what an author's
//! build of an interface waits for.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use super::{Fault, Head, Instance, faulty, state};
use crate::abi::{Failure, Reply};
use crate::portable::Kept;

/// The object of a call: a method takes it when it has its arguments, and in one way.
pub struct Object<'a, T: 'static>(&'a Instance<T>);

impl<'a, T: 'static> Object<'a, T> {
    /// As `&self`.
    ///
    /// # Errors
    /// When the object answers no calls.
    #[inline]
    pub fn shared(self) -> Result<&'a T, Fault> {
        self.0.head.running()?;
        // SAFETY: the value is there, since the object runs; that nobody calls it exclusively
        // meanwhile is in the contract of `call`, which alone makes this.
        Ok(unsafe { self.0.value() })
    }

    /// As `&mut self`.
    ///
    /// # Errors
    /// When the object answers no calls.
    #[inline]
    pub fn exclusive(self) -> Result<Exclusive<'a, T>, Fault> {
        self.0.head.running()?;
        self.0.head.state.store(state::BUSY, Ordering::Relaxed);
        Ok(Exclusive(self.0))
    }

    /// As `self: Box<Self>`. What is left is an object that answers no call. Its stop is not run:
    /// the method has the value.
    ///
    /// # Errors
    /// When the object answers no calls.
    #[inline]
    pub fn whole(self) -> Result<Box<T>, Fault> {
        self.0.head.running()?;
        self.0.head.state.store(state::CONSUMED, Ordering::Relaxed);
        // SAFETY: by the contract of `call` the value is this call's alone.
        let value = unsafe { &mut *self.0.value.get() };
        // SAFETY: it is there, since the object ran, and is not looked at again, since it does
        // not run any more.
        Ok(Box::new(unsafe { ManuallyDrop::take(value) }))
    }
}

impl<T> fmt::Debug for Object<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").finish_non_exhaustive()
    }
}

/// An object that a method has exclusively: it is busy for as long.
pub struct Exclusive<'a, T: 'static>(&'a Instance<T>);

impl<T> Deref for Exclusive<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: by the contract of `call` the value is this call's alone, and `Object` gives it
        // out once; it is there, since the object ran.
        unsafe { self.0.value() }
    }
}

impl<T> DerefMut for Exclusive<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and borrowed exclusively.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Exclusive<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // After a panic the boundary poisons it.
        self.0.head.state.store(state::RUNNING, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for Exclusive<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}

impl Head {
    /// Whether the object answers calls.
    #[inline]
    fn running(&self) -> Result<(), Fault> {
        // Relaxed: the state guards no memory; a call that races with a panic may still run.
        match self.state.load(Ordering::Relaxed) {
            state::RUNNING => Ok(()),
            now => Err(Fault::not_running(now)),
        }
    }

    /// Runs `run` on `frame` behind the panic boundary, and notes a panic in front of the frame.
    ///
    /// In line, and so is `run`, where anything is optimised: then it costs no call.
    ///
    /// # Safety
    /// `run` may be called on `frame`, once, and that begins with a [`Reply`].
    #[inline]
    unsafe fn contain(&self, converted: bool, run: unsafe fn(*mut ()), frame: *mut ()) {
        let whole = move || {
            let _kept = Kept::when(converted);
            // SAFETY: by this function's contract.
            unsafe { run(frame) }
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(whole)) {
            let failure = self.poisoned(payload);
            // SAFETY: by this function's contract: a reply begins with its failure.
            unsafe { frame.cast::<*mut Failure>().write(failure) };
        }
    }
}

/// What a call reads and writes.
#[repr(C)]
struct Frame<F, A: Copy> {
    reply: Reply<A>,
    object: *const (),
    method: F,
}

/// Runs a method of the object behind `object`. Everything that may panic is in `method`, behind
/// the panic boundary; it takes its arguments over before it looks at any, so that none is lost,
/// and takes the object last. It is `Copy`, since arguments are, as they cross: there is
/// nothing to drop, and less to compile. `converted` says whether values are made for the call that
/// its arguments borrow.
///
/// # Safety
/// - `object` is one that [`create`](super::create) made for this `T`, and is referenced during
///   the call.
/// - Nobody calls it exclusively meanwhile; where `method` takes it so, or whole, nobody calls it
///   at all.
#[inline]
pub unsafe fn call<T: 'static, A: Copy, F>(
    object: *const (),
    converted: bool,
    method: F,
) -> Reply<A>
where
    F: Copy + FnOnce(Object<'_, T>) -> Result<A, Fault>,
{
    /// # Safety
    /// `frame` is a `Frame` of these types, whose object is one of `T` and is referenced.
    #[inline]
    unsafe fn run<T: 'static, A: Copy, F>(frame: *mut ())
    where
        F: Copy + FnOnce(Object<'_, T>) -> Result<A, Fault>,
    {
        // SAFETY: by this function's contract.
        let frame = unsafe { &mut *frame.cast::<Frame<F, A>>() };
        // SAFETY: by this function's contract.
        let object = Object(unsafe { &*frame.object.cast() });
        frame.reply = reply((frame.method)(object), frame.object);
    }
    let mut frame = Frame {
        reply: Reply::failed(std::ptr::null_mut()),
        object,
        method,
    };
    // SAFETY: by this function's contract; every object begins with its head.
    let head = unsafe { &*object.cast::<Head>() };
    // SAFETY: it is the frame that `run` wants, and begins with the reply.
    unsafe { head.contain(converted, run::<T, A, F>, (&raw mut frame).cast()) };
    frame.reply
}

/// What a method gave, as it crosses.
#[inline]
fn reply<A: Copy>(result: Result<A, Fault>, object: *const ()) -> Reply<A> {
    match result {
        Ok(value) => Reply::ok(value),
        // SAFETY: both are what they have to be, and the fault is given away.
        Err(fault) => unsafe { told(object, fault.into_raw()) },
    }
}

/// Tells of a fault.
///
/// What goes wrong is told by functions that are never in line, take and give what registers
/// hold and, since they are of C, never unwind: with that a method which cannot panic needs no
/// place on the stack, nor any step for it.
///
/// # Safety
/// `object` is one of this image, and `fault` came from [`Fault::into_raw`], and is given away.
#[cold]
#[inline(never)]
unsafe extern "C" fn told<A: Copy>(object: *const (), fault: *mut ()) -> Reply<A> {
    // SAFETY: by this function's contract.
    let head = unsafe { &*object.cast::<Head>() };
    // SAFETY: by this function's contract.
    let fault = unsafe { Fault::from_raw(fault) };
    Reply::failed(faulty(head.plugin, fault))
}
