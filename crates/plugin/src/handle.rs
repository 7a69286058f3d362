//! The host's side of a call: a handle that implements the interface's own trait.

use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Deref, DerefMut};

use crate::abi::{KeepAlive, RawInterface, RawObject, VtableHead};
use crate::interface::{Interface, Shareable, Upcast};
use crate::{CallError, Invalid, arrived, vtable};

/// An object of a plugin: it implements the trait `T` itself, with one indirect call for
/// each method, and keeps the plugin's library loaded for as long as it lives.
///
/// It dereferences to the interface's `…Calls`, where every method has a `try_` form that
/// returns a failure of the call (a panic in the plugin, for instance) as a
/// [`CallError`]. Boxed, it is an ordinary `Box<dyn Trait>`.
///
/// `Handle<dyn Trait>` is `Send` or `Sync` exactly if `dyn Trait` is. It is `Clone` if that is
/// both and all methods take `&self`: an object with a method that takes `&mut self` or
/// `self: Box<Self>` has one handle, which is all that makes such a call sound.
#[repr(transparent)]
pub struct Handle<T: ?Sized + Interface> {
    raw: RawHandle<T::Vtable>,
}

// SAFETY: a handle gives access to an object whose class implements the trait `T`, so what
// `dyn T` declares holds for the object; its keep-alive is Send and Sync. The count of
// references is atomic.
unsafe impl<T: ?Sized + Interface + Send> Send for Handle<T> {}
// SAFETY: as for Send.
unsafe impl<T: ?Sized + Interface + Sync> Sync for Handle<T> {}

/// What a handle and its `…Calls` consist of.
#[repr(C)]
pub struct RawHandle<V: 'static> {
    object: *const (),
    vtable: *const V,
    keep: KeepAlive,
}

impl<V> RawHandle<V> {
    /// The first argument of every function of the vtable.
    #[inline]
    #[must_use]
    pub fn object(&self) -> *const () {
        self.object
    }

    /// The vtable.
    #[inline]
    #[must_use]
    pub fn vtable(&self) -> &V {
        // SAFETY: a handle is only made from an object and vtable of a plugin that its
        // keep-alive keeps loaded (`Handle::new`).
        unsafe { &*self.vtable }
    }

    #[inline]
    fn calls<T: ?Sized + Interface<Vtable = V>>(&self) -> &T::Calls {
        // SAFETY: `Calls` is `repr(transparent)` over `RawHandle<T::Vtable>` (`Interface`).
        unsafe { &*(&raw const *self).cast::<T::Calls>() }
    }

    /// The handle that this is what it consists of.
    #[inline]
    #[must_use]
    pub fn handle<T: ?Sized + Interface<Vtable = V>>(&self) -> &Handle<T> {
        // SAFETY: a handle is transparent over this.
        unsafe { &*(&raw const *self).cast::<Handle<T>>() }
    }

    /// The same, borrowed exclusively.
    #[inline]
    #[must_use]
    pub fn handle_mut<T: ?Sized + Interface<Vtable = V>>(&mut self) -> &mut Handle<T> {
        // SAFETY: a handle is transparent over this.
        unsafe { &mut *(&raw mut *self).cast::<Handle<T>>() }
    }

    /// The same parts, as a handle of another interface has them. No reference is added: one of
    /// the two must not be dropped.
    #[inline]
    fn seen_as<T, S>(&self) -> RawHandle<S::Vtable>
    where
        T: ?Sized + Interface<Vtable = V> + Upcast<S>,
        S: ?Sized + Interface,
    {
        RawHandle {
            object: self.object,
            vtable: T::vtable(self.vtable()),
            // SAFETY: the caller sees to it that one of the two is not dropped.
            keep: unsafe { std::ptr::read(&raw const self.keep) },
        }
    }

    fn head(&self) -> &VtableHead {
        // SAFETY: as in `vtable`; every vtable begins with a head (`Interface`).
        unsafe { &*self.vtable.cast::<VtableHead>() }
    }

    fn release(&mut self) -> Result<(), CallError> {
        // SAFETY: the reference that this handle holds is given up once.
        let reply = unsafe { self.head().release(self.object) };
        // SAFETY: every `release` returns what stands for `()`.
        unsafe { reply.take("drop") }
    }
}

/// The calls of an object that somebody else keeps, for as long as that does. They are not
/// dropped, since they own no reference.
///
/// # Safety
/// Object and vtable belong together, and are kept while the result is used.
pub(crate) unsafe fn borrowed_calls<I: ?Sized + Interface>(
    object: *const (),
    vtable: &'static I::Vtable,
) -> impl DerefMut<Target = I::Calls> {
    struct Borrowed<I: ?Sized + Interface>(ManuallyDrop<RawHandle<I::Vtable>>);
    impl<I: ?Sized + Interface> Deref for Borrowed<I> {
        type Target = I::Calls;

        fn deref(&self) -> &I::Calls {
            self.0.calls::<I>()
        }
    }
    impl<I: ?Sized + Interface> DerefMut for Borrowed<I> {
        fn deref_mut(&mut self) -> &mut I::Calls {
            // SAFETY: as in `RawHandle::calls`, and borrowed exclusively.
            unsafe { &mut *(&raw mut *self.0).cast() }
        }
    }
    Borrowed::<I>(ManuallyDrop::new(RawHandle {
        object,
        vtable,
        keep: KeepAlive::forever(),
    }))
}

impl<V> Drop for RawHandle<V> {
    fn drop(&mut self) {
        // A destructor that panicked has nobody to tell here: `Handle::close` tells.
        let _ = self.release();
    }
}

impl<T: ?Sized + Interface> Handle<T> {
    /// A handle for an object that its receiver owns.
    ///
    /// # Errors
    /// When the object is not one of an interface that fits `T`; it is released then.
    ///
    /// # Safety
    /// `object` is null or an object with its vtable, both made by the SDK or to its rules;
    /// its reference is not used elsewhere, and `keep` keeps the library loaded that made it.
    pub(crate) unsafe fn new(object: RawObject, keep: KeepAlive) -> Result<Self, Invalid> {
        if object.object.is_null() || object.vtable.is_null() {
            return Err(Invalid::new(&"an object and a vtable, not null"));
        }
        // What nobody could release is not taken over.
        // SAFETY: by this function's contract.
        unsafe { arrived::head(object.vtable) }?;
        // SAFETY: by this function's contract and what was just seen.
        match unsafe { vtable::fit::<T>(object.vtable) } {
            Ok(vtable) => Ok(Self {
                raw: RawHandle {
                    object: object.object,
                    vtable,
                    keep,
                },
            }),
            Err(invalid) => {
                let raw = RawHandle {
                    object: object.object,
                    vtable: object.vtable,
                    keep,
                };
                drop(raw);
                Err(invalid)
            }
        }
    }

    /// The object as one of an interface that `T` requires.
    #[must_use]
    pub fn upcast<S: ?Sized + Interface>(self) -> Handle<S>
    where
        T: Upcast<S>,
    {
        let this = ManuallyDrop::new(self);
        Handle {
            raw: this.raw.seen_as::<T, S>(),
        }
    }

    /// The calls of `S`, in this handle itself where it is one for `S`, else in `space`, which
    /// is never dropped: it has what this handle has, and owns nothing.
    #[doc(hidden)]
    #[inline]
    pub fn calls_of<S: ?Sized + Interface>(
        &self,
        space: &mut MaybeUninit<RawHandle<S::Vtable>>,
    ) -> *mut S::Calls
    where
        T: Upcast<S>,
    {
        match T::itself(self) {
            Some(handle) => (&raw const handle.raw).cast::<S::Calls>().cast_mut(),
            None => std::ptr::from_mut(space.write(self.raw.seen_as::<T, S>())).cast(),
        }
    }

    /// A handle for an object with the vtable that this very image has for `T`.
    ///
    /// # Safety
    /// As [`Handle::new`].
    pub(crate) unsafe fn of_own_vtable(object: RawObject, keep: KeepAlive) -> Self {
        Self {
            raw: RawHandle {
                object: object.object,
                vtable: object.vtable.cast(),
                keep,
            },
        }
    }

    /// Another reference to the object, as it crosses.
    pub(crate) fn to_raw(&self) -> RawInterface {
        // SAFETY: this handle holds a reference, so the object is alive.
        unsafe { self.raw.head().retain(self.raw.object) };
        RawInterface {
            object: RawObject {
                object: self.raw.object,
                vtable: self.raw.vtable.cast(),
            },
            keep: self.raw.keep.clone().into_raw(),
        }
    }

    /// Drops the handle and says whether the plugin's destructor panicked. It runs when
    /// this was the last handle for its object.
    ///
    /// # Errors
    /// When the destructor panicked; the object is gone all the same.
    pub fn close(self) -> Result<(), CallError> {
        let mut raw = ManuallyDrop::new(self);
        let result = raw.raw.release();
        // SAFETY: `raw` is never dropped nor used again, so the keep-alive is read out once.
        drop(unsafe { std::ptr::read(&raw const raw.raw.keep) });
        result
    }
}

/// Another handle for the same object, as `Arc` does it: any thread may have one, which is
/// sound only when the object can be shared and sent, and when no method wants it alone.
impl<T: ?Sized + Shareable + Send + Sync> Clone for Handle<T> {
    fn clone(&self) -> Self {
        // SAFETY: this handle holds a reference, so the object is alive.
        unsafe { self.raw.head().retain(self.raw.object) };
        Self {
            raw: RawHandle {
                object: self.raw.object,
                vtable: self.raw.vtable,
                keep: self.raw.keep.clone(),
            },
        }
    }
}

impl<T: ?Sized + Interface> Deref for Handle<T> {
    type Target = T::Calls;

    #[inline]
    fn deref(&self) -> &T::Calls {
        self.raw.calls::<T>()
    }
}

impl<T: ?Sized + Interface> DerefMut for Handle<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T::Calls {
        // SAFETY: as in `RawHandle::calls`, and borrowed exclusively.
        unsafe { &mut *(&raw mut self.raw).cast() }
    }
}

impl<T: ?Sized + Interface> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("interface", &T::SHAPE.id)
            .field("object", &self.raw.object)
            .finish()
    }
}

impl<V> fmt::Debug for RawHandle<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawHandle")
            .field("object", &self.object)
            .finish_non_exhaustive()
    }
}
