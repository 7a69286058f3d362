//! Futures that cross: what a method returns that takes its time.
//!
//! [`PluginFuture`] is a boxed future until it crosses, and a pointer with functions from then
//! on. The invariants: what runs when it is polled or dropped is behind the panic boundary of
//! the side that made it; it keeps that side's library; a future that is polled again after its
//! end, or by two at once, is an error.

mod crossing;
mod remote;
mod waker;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::pin::Pin;
use std::task::{Context, Poll};

use plugwright_manifest::schema::Shape;

use crate::abi::{KeepAlive, RawFuture, RawWaker, Reply};
use crate::encoding::{Decoder, Encoder};
use crate::instance::Owner;
use crate::portable::{Invalid, Portable};
use crate::remote::KeptLink;
use crate::{CallError, arrived};

const LOCAL_ONLY: Invalid = Invalid::new(&"no such future: it crosses within a process only");

/// What an asynchronous method of an interface returns.
///
/// ```
/// use plugwright_plugin::{CallError, PluginFuture, interface, plugin};
///
/// #[interface(id = "org.example.fetcher", version = "1.0")]
/// pub trait Fetcher: Send + Sync {
///     fn fetch(&self, key: &str) -> PluginFuture<'_, Result<Vec<u8>, CallError>>;
/// }
///
/// #[plugin(id = "org.example.cache", provides(Fetcher))]
/// #[derive(Default)]
/// pub struct Cache;
///
/// impl Fetcher for Cache {
///     fn fetch(&self, key: &str) -> PluginFuture<'_, Result<Vec<u8>, CallError>> {
///         // What is lent ends with the call, so the future takes what it needs.
///         let key = key.to_owned();
///         PluginFuture::new(async move { Ok(key.into_bytes()) })
///     }
/// }
/// ```
///
/// The trait says what is written and what its implementors write: `async fn` would need a macro
/// on every `impl` as well, since no `dyn Trait` can have one. A future may borrow the object
/// (`'_`), and nothing else that is lent for the call; or nothing at all (`'static`).
///
/// It is awaited on any executor: wakers cross. Dropping it cancels it, and drops what the plugin
/// made. It holds the plugin's library. When the plugin panics in it, that is the value where that
/// is a `Result` whose error can be made of a [`CallError`]; else awaiting panics on this side
/// with the `CallError`, and the `try_` form of the method gives a future that returns it
/// ([`Tried`]). A future that borrows its object poisons it by a panic as a call does; what the
/// object answers no calls for, as after its stop, is not polled either.
///
/// Over a connection each poll is a call, and each wake one back; the object there is kept until
/// the future is dropped. Interfaces with methods that take `&mut self` or `self: Box<Self>` do
/// without that.
///
/// As an argument of a method it is a task that the other side runs: `PluginFuture<'static, T>`
/// can be kept, and given to an executor.
pub struct PluginFuture<'a, T>(Inner<'a, T>);

// SAFETY: what it is made of is Send (`PluginFuture::new`), on this side or, as its shape
// says, on the other one; the functions of the other side may be called on any thread.
unsafe impl<T> Send for PluginFuture<'_, T> {}

/// A [`PluginFuture`] that stays on its thread: for interfaces whose trait does not require
/// `Sync`, where what borrows the object cannot be sent.
pub struct LocalPluginFuture<'a, T>(Inner<'a, T>);

struct Inner<'a, T> {
    kind: Kind<'a, T>,
    /// The object that the future borrows, once it is known.
    owner: Option<Owner>,
    /// What becomes of a failure; without it, a panic.
    lift: Option<fn(CallError) -> T>,
}

enum Kind<'a, T> {
    /// Made on this side, and still here.
    Own(Pin<Box<dyn Future<Output = T> + 'a>>),
    /// Of the other side.
    Other(Foreign<'a, T>),
    /// Of the other side of a connection.
    There(remote::There<T>),
    /// The call that was to give it failed; `None` when that was told.
    Failed(Option<CallError>),
}

/// A future of the other side.
struct Foreign<'a, T> {
    raw: RawFuture,
    poll: unsafe extern "C" fn(*mut (), *const RawWaker, *mut ()) -> Reply<u8>,
    release: unsafe extern "C" fn(*mut ()) -> Reply<u8>,
    ended: bool,
    /// The method that gave it, for what is told of failures.
    method: &'static str,
    _borrowed: PhantomData<&'a ()>,
    _gives: PhantomData<fn() -> T>,
}

impl<'a, T> PluginFuture<'a, T> {
    /// Boxes a future.
    #[must_use]
    pub fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(Inner::own(Box::pin(future)))
    }
}

impl<'a, T> LocalPluginFuture<'a, T> {
    /// Boxes a future.
    #[must_use]
    pub fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self(Inner::own(Box::pin(future)))
    }
}

impl<'a, T> Inner<'a, T> {
    fn own(future: Pin<Box<dyn Future<Output = T> + 'a>>) -> Self {
        Self::of(Kind::Own(future))
    }

    fn of(kind: Kind<'a, T>) -> Self {
        Self {
            kind,
            owner: None,
            lift: None,
        }
    }

    fn named(called: Result<Self, CallError>, method: &'static str) -> Self {
        let mut inner = called.unwrap_or_else(|error| Self::of(Kind::Failed(Some(error))));
        if let Kind::Other(foreign) = &mut inner.kind {
            foreign.method = method;
        }
        inner
    }
}

impl<T: Portable> Inner<'_, T> {
    fn poll_try(&mut self, context: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        match &mut self.kind {
            Kind::Own(future) => future.as_mut().poll(context).map(Ok),
            Kind::Other(foreign) => foreign.poll(context),
            Kind::There(there) => there.poll(context),
            Kind::Failed(error) => {
                Poll::Ready(Err(error.take().unwrap_or_else(CallError::completed)))
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<T> {
        self.poll_try(context).map(|result| match result {
            Ok(value) => value,
            Err(error) => match self.lift {
                Some(lift) => lift(error),
                None => std::panic::panic_any(error),
            },
        })
    }

    fn give(self) -> RawFuture {
        match self.kind {
            // It goes on as it came.
            Kind::Other(foreign) => ManuallyDrop::new(foreign).raw,
            _ => crossing::give(self),
        }
    }

    /// Writes it as bytes: what is polled from afar borrows the object that is being called.
    fn encode(mut self, out: &mut Encoder<'_>) {
        let Some((borrowed, link)) = out.keeping() else {
            return out.refuse(LOCAL_ONLY);
        };
        let polled = move |context: &mut Context<'_>, link: &KeptLink| match self.poll_try(context)
        {
            Poll::Ready(value) => {
                Poll::Ready(value.and_then(|value| remote::bytes_of(value, link)))
            }
            Poll::Pending => Poll::Pending,
        };
        let polled: remote::PolledHere<'_> = Box::new(polled);
        // SAFETY: the future is Send, as its type says whose function this is called by; what
        // it borrows is of the object that was called, which is kept until it is dropped.
        let polled =
            unsafe { std::mem::transmute::<remote::PolledHere<'_>, remote::Polled>(polled) };
        remote::encode(polled, borrowed, link, out);
    }
}

impl<T: Portable> Foreign<'_, T> {
    fn poll(&mut self, context: &Context<'_>) -> Poll<Result<T, CallError>> {
        if self.ended {
            return Poll::Ready(Err(CallError::completed()));
        }
        let waker = waker::lend(context.waker());
        let mut output = MaybeUninit::<T::Abi>::uninit();
        // SAFETY: the future is owned and was not released; waker and place live as long as
        // the call, and the value is of this type, as the shapes of both sides say.
        let reply =
            unsafe { (self.poll)(self.raw.state, &raw const waker, output.as_mut_ptr().cast()) };
        // SAFETY: it was returned just now.
        let polled = unsafe { reply.take::<u8>(self.method) };
        if matches!(polled, Ok(0)) {
            return Poll::Pending;
        }
        self.ended = true;
        Poll::Ready(match polled {
            Ok(1) => {
                // SAFETY: it was written, as the reply says.
                let value = unsafe { output.assume_init() };
                // SAFETY: it is the Abi of a `T`, and used once.
                unsafe { T::from_abi(value) }
                    .map_err(|invalid| CallError::invalid(self.method, invalid))
            }
            Ok(_) => {
                let invalid = Invalid::new(&"a future that is ready or not");
                Err(CallError::invalid(self.method, invalid))
            }
            Err(error) => Err(error),
        })
    }
}

impl<T> Drop for Foreign<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the reference is given up once, after the future that it is for.
        let keep = unsafe { KeepAlive::from_raw(self.raw.keep) };
        // SAFETY: the future is owned, and given up once.
        let reply = unsafe { (self.release)(self.raw.state) };
        // SAFETY: it was returned just now. A destructor that panicked has nobody to tell.
        let _ = unsafe { reply.take::<()>("drop") };
        drop(keep);
    }
}

impl<T> Foreign<'_, T> {
    /// # Safety
    /// As [`Portable::from_abi`].
    unsafe fn take(raw: RawFuture) -> Result<Self, Invalid> {
        const NONE: Invalid = Invalid::new(&"a future with all its functions");
        // SAFETY: by this function's contract; it is dropped when there is no future.
        let keep = unsafe { KeepAlive::received(raw.keep) }?;
        // SAFETY: by this function's contract the size is there.
        let functions = unsafe { arrived::sized(raw.functions) }.ok_or(NONE)?;
        let (Some(poll), Some(release)) = (functions.poll, functions.release) else {
            return Err(NONE);
        };
        Ok(Self {
            raw: RawFuture {
                keep: keep.into_raw(),
                ..raw
            },
            poll,
            release,
            ended: false,
            method: "",
            _borrowed: PhantomData,
            _gives: PhantomData,
        })
    }
}

/// What the two kinds of futures have in common.
#[doc(hidden)]
pub trait Crossing: Sized {
    /// What it gives.
    type Value;

    /// What a call of `method` gave; a failure is that of the future.
    fn named(called: Result<Self, CallError>, method: &'static str) -> Self;

    /// What becomes of a failure.
    #[must_use]
    fn lifted(self, lift: fn(CallError) -> Self::Value) -> Self;

    /// The future of a method of an object that it borrows.
    ///
    /// # Safety
    /// As [`of_object`].
    #[must_use]
    unsafe fn owned_by<O: 'static>(
        self,
        object: *const (),
        exclusively: bool,
        poisons: bool,
    ) -> Self;
}

/// Binds a future to the object that it borrows, and which a panic in it `poisons`.
///
/// # Safety
/// `object` is one of this `O`, and outlives the future. When that borrows it `exclusively`,
/// nobody else calls it meanwhile.
#[doc(hidden)]
#[must_use]
pub unsafe fn of_object<O: 'static, F: Crossing>(
    object: *const (),
    exclusively: bool,
    poisons: bool,
    future: F,
) -> F {
    // SAFETY: by this function's contract.
    unsafe { future.owned_by::<O>(object, exclusively, poisons) }
}

/// A future whose failures are values: what the `try_` form of an asynchronous method returns.
#[derive(Debug)]
pub struct Tried<F>(F);

impl<F: Crossing> Tried<F> {
    #[doc(hidden)]
    #[must_use]
    pub fn of(called: Result<F, CallError>, method: &'static str) -> Self {
        Self(F::named(called, method))
    }

    /// The future with failures as its method's own error, or as panics.
    #[doc(hidden)]
    #[must_use]
    pub fn lifted(self, lift: fn(CallError) -> F::Value) -> F {
        self.0.lifted(lift)
    }
}

macro_rules! futures {
    ($($name:ident, $shape:ident, $encode:expr, $decode:expr;)*) => {$(
        impl<T: Portable> Future for $name<'_, T> {
            type Output = T;

            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
                self.0.poll(context)
            }
        }

        impl<T: Portable> Future for Tried<$name<'_, T>> {
            type Output = Result<T, CallError>;

            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
                self.0.0.poll_try(context)
            }
        }

        impl<T> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl<T> Crossing for $name<'_, T> {
            type Value = T;

            fn named(called: Result<Self, CallError>, method: &'static str) -> Self {
                Self(Inner::named(called.map(|future| future.0), method))
            }

            fn lifted(mut self, lift: fn(CallError) -> T) -> Self {
                self.0.lift = Some(lift);
                self
            }

            unsafe fn owned_by<O: 'static>(
                mut self,
                object: *const (),
                exclusively: bool,
                poisons: bool,
            ) -> Self {
                // SAFETY: by this function's contract.
                self.0.owner = Some(unsafe { Owner::of::<O>(object, exclusively, poisons) });
                self
            }
        }

        // SAFETY: crosses as what it points to, its functions, and what keeps those loaded;
        // the shape says what it gives, and whether it may leave its thread.
        unsafe impl<T: Portable> Portable for $name<'_, T> {
            type Abi = RawFuture;

            const SHAPE: &'static Shape = &Shape::$shape(T::SHAPE);

            fn into_abi(self) -> RawFuture {
                self.0.give()
            }

            unsafe fn from_abi(abi: RawFuture) -> Result<Self, Invalid> {
                // SAFETY: by this function's contract.
                let foreign = unsafe { Foreign::take(abi) }?;
                Ok(Self(Inner::of(Kind::Other(foreign))))
            }

            fn encode(self, out: &mut Encoder<'_>) {
                $encode(self.0, out);
            }

            unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
                $decode(input).map(|there| Self(Inner::of(Kind::There(there))))
            }
        }
    )*};
}

futures! {
    PluginFuture, Future, Inner::encode, remote::There::decode;
    LocalPluginFuture, LocalFuture, |_, out: &mut Encoder<'_>| out.refuse(LOCAL_ONLY),
        |_| Err(LOCAL_ONLY);
}
