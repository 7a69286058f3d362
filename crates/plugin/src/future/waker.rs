//! Wakers of the other side.
//!
//! A waker crosses as the two words that the standard library makes it of, which only the side
//! that made it looks behind, with functions of that side. Whoever polls lends its waker; what is
//! polled clones it once, and not again while it is polled with the same. The invariants: a
//! clone keeps the library that its functions are in; no panic leaves a function; nobody is
//! woken through a waker that was released.

use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{RawWakerVTable, Wake, Waker};

use crate::abi::{KeepAlive, RawKeep, RawWaker, Reply, WakerFunctions};
use crate::instance::{Fault, reply_of, tell_panic};
use crate::portable::Invalid;
use crate::{arrived, own};

static FUNCTIONS: WakerFunctions = WakerFunctions {
    size: size_of::<WakerFunctions>(),
    clone: Some(clone),
    wake: Some(wake),
    wake_by_ref: Some(wake_by_ref),
    release: Some(release),
};

/// One's own waker as it crosses, with a reference to this library or without.
fn raw(waker: &Waker, keep: RawKeep) -> RawWaker {
    RawWaker {
        data: waker.data(),
        table: std::ptr::from_ref(waker.vtable()).cast(),
        functions: &raw const FUNCTIONS,
        keep,
    }
}

/// One's own waker, lent while it is borrowed.
pub(super) fn lend(waker: &Waker) -> RawWaker {
    raw(waker, own::lend())
}

/// The waker of this side that these words are.
///
/// # Safety
/// They came from [`raw`], and the waker was not released.
unsafe fn own(data: *const (), table: *const ()) -> ManuallyDrop<Waker> {
    // SAFETY: by this function's contract it is the reference that the standard library gave.
    let table = unsafe { &*table.cast::<RawWakerVTable>() };
    // SAFETY: by this function's contract both came from one waker, which is not dropped here.
    ManuallyDrop::new(unsafe { Waker::new(data, table) })
}

unsafe extern "C" fn clone(data: *const (), table: *const (), output: *mut RawWaker) -> Reply<u8> {
    reply_of(own::plugin(), || {
        if output.is_null() {
            return Err(Invalid::new(&"a place for the waker's clone").into());
        }
        // SAFETY: who calls has the waker, lent or its own.
        let waker = unsafe { own(data, table) };
        let clone = ManuallyDrop::new(Waker::clone(&waker));
        // SAFETY: who calls gives a place for it.
        unsafe { output.write(raw(&clone, own::keep().into_raw())) };
        Ok(0)
    })
}

unsafe extern "C" fn wake(data: *const (), table: *const ()) {
    alone(|| {
        // SAFETY: who calls gives its waker up.
        let waker = unsafe { own(data, table) };
        ManuallyDrop::into_inner(waker).wake();
    });
}

unsafe extern "C" fn wake_by_ref(data: *const (), table: *const ()) {
    // SAFETY: who calls has the waker, lent or its own.
    alone(|| unsafe { own(data, table) }.wake_by_ref());
}

unsafe extern "C" fn release(data: *const (), table: *const ()) {
    alone(|| {
        // SAFETY: who calls gives its waker up.
        let waker = unsafe { own(data, table) };
        drop(ManuallyDrop::into_inner(waker));
    });
}

/// Runs what has no way to fail: who wakes is not who waits, and could do nothing about it.
fn alone(run: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        tell_panic(payload);
    }
}

/// A waker of the other side, owned.
struct Foreign {
    data: *const (),
    table: *const (),
    functions: Functions,
    /// Behind the rest, so that it goes last.
    keep: KeepAlive,
}

/// The functions of a waker that were looked at.
#[derive(Clone, Copy)]
struct Functions {
    clone: unsafe extern "C" fn(*const (), *const (), *mut RawWaker) -> Reply<u8>,
    wake: unsafe extern "C" fn(*const (), *const ()),
    wake_by_ref: unsafe extern "C" fn(*const (), *const ()),
    release: unsafe extern "C" fn(*const (), *const ()),
}

impl Functions {
    /// # Safety
    /// The pointer is null or points to functions with their size in front.
    unsafe fn of(raw: *const WakerFunctions) -> Result<Self, Invalid> {
        const NONE: Invalid = Invalid::new(&"a waker with all its functions");
        // SAFETY: by this function's contract.
        let raw = unsafe { arrived::sized(raw) }.ok_or(NONE)?;
        match (raw.clone, raw.wake, raw.wake_by_ref, raw.release) {
            (Some(clone), Some(wake), Some(wake_by_ref), Some(release)) => Ok(Self {
                clone,
                wake,
                wake_by_ref,
                release,
            }),
            _ => Err(NONE),
        }
    }
}

// SAFETY: the functions of a waker may be called on any thread, as may those of its keep-alive.
unsafe impl Send for Foreign {}
// SAFETY: as for Send.
unsafe impl Sync for Foreign {}

impl Drop for Foreign {
    fn drop(&mut self) {
        // SAFETY: the waker is owned, and given up once.
        unsafe { (self.functions.release)(self.data, self.table) };
    }
}

impl Wake for Foreign {
    fn wake(self: Arc<Self>) {
        match Arc::try_unwrap(self) {
            Ok(last) => {
                let last = ManuallyDrop::new(last);
                // SAFETY: the waker is owned, and given up once.
                unsafe { (last.functions.wake)(last.data, last.table) };
                // SAFETY: `last` is neither dropped nor used again.
                drop(unsafe { std::ptr::read(&raw const last.keep) });
            }
            Err(shared) => Self::wake_by_ref(&shared),
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // SAFETY: the waker is owned.
        unsafe { (self.functions.wake_by_ref)(self.data, self.table) };
    }
}

/// The waker that a future was last polled with.
#[derive(Default)]
pub(super) struct Held(Option<(Arc<Foreign>, Waker, *const WakerFunctions)>);

impl Held {
    /// A clone of the waker that is lent: the one from before, when that wakes the same.
    ///
    /// # Errors
    /// When it is none, or cannot be cloned.
    ///
    /// # Safety
    /// The pointer is null or points to a waker, which is lent for the call.
    pub(super) unsafe fn refresh(&mut self, lent: *const RawWaker) -> Result<&Waker, Fault> {
        // SAFETY: by this function's contract.
        let lent = unsafe { arrived::at(lent) }.ok_or(Invalid::new(&"a waker, not null"))?;
        // What is held is alive, so nothing else has its address meanwhile.
        let same = matches!(&self.0, Some((held, _, functions))
            if (held.data, held.table, *functions) == (lent.data, lent.table, lent.functions));
        if !same {
            // SAFETY: by this function's contract.
            let functions = unsafe { Functions::of(lent.functions) }?;
            let mut clone = MaybeUninit::uninit();
            // SAFETY: the waker is lent meanwhile.
            let reply = unsafe { (functions.clone)(lent.data, lent.table, clone.as_mut_ptr()) };
            // SAFETY: it was returned just now.
            unsafe { reply.take::<u8>("the waker's clone") }?;
            // SAFETY: it was written, as the reply says.
            let clone: RawWaker = unsafe { clone.assume_init() };
            // SAFETY: as above: it is owned.
            let keep = unsafe { KeepAlive::received(clone.keep) }?;
            let foreign = Arc::new(Foreign {
                data: clone.data,
                table: clone.table,
                // SAFETY: as for the one that was lent.
                functions: unsafe { Functions::of(clone.functions) }?,
                keep,
            });
            let waker = Waker::from(Arc::clone(&foreign));
            self.0 = Some((foreign, waker, clone.functions));
        }
        match &self.0 {
            Some((_, waker, _)) => Ok(waker),
            None => unreachable!("it was there, or made just now"),
        }
    }
}
