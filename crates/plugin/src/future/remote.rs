//! Futures over a connection: what is polled there is an object, and so is who is woken here.
//!
//! Each poll is a call by number, and so is each wake. What the far side polls is kept with the
//! object that it may borrow, until the far side lets go of it.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, TryLockError};
use std::task::{Context, Poll, Wake, Waker};

use plugwright_plugin_macros::interface;

use crate::encoding::{Arena, Decoder, Encoder};
use crate::portable::{Invalid, Portable};
use crate::remote::{Handover, KeptLink, Object};
use crate::{CallError, Handle};

/// A future, for who is on the other side of a connection.
#[interface(id = "org.plugwright.future", version = "1.0")]
pub(crate) trait Remote: Send + Sync {
    /// The value as bytes, when it is there; else the waker is woken when it is worth asking
    /// again.
    fn poll(&self, waker: Arc<dyn Awake>) -> Result<Option<Vec<u8>>, CallError>;
}

/// Who waits for a future on the other side of a connection.
#[interface(id = "org.plugwright.waker", version = "1.0")]
pub(crate) trait Awake: Send + Sync {
    /// As a waker's.
    fn wake(&self);
}

/// A waker of this side, for the other one.
struct Waits {
    waker: Waker,
    link: KeptLink,
}

impl Awake for Waits {
    fn wake(&self) {
        self.waker.wake_by_ref();
    }
}

impl Drop for Waits {
    /// A connection that ended lets go of it, and nobody else will wake who waits. One that is
    /// open does so whenever the other side drops the waker; waking then, too, would have a
    /// future that never wakes anybody polled without end.
    fn drop(&mut self) {
        if !self.link.is_open() {
            self.waker.wake_by_ref();
        }
    }
}

/// Who waits on the other side, as a waker of this one.
struct WaitsThere(Arc<dyn Awake>);

impl Wake for WaitsThere {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match self.0.__plugwright_handle() {
            // When the connection is gone, nobody waits there any more.
            Some(handle) => drop(handle.try_wake()),
            None => self.0.wake(),
        }
    }
}

/// Polls a future and writes its value as bytes.
pub(super) type Polled =
    Box<dyn FnMut(&mut Context<'_>, &KeptLink) -> Poll<Result<Vec<u8>, CallError>> + Send>;

/// The same, where it is not known yet what it borrows and where it may go.
pub(super) type PolledHere<'a> =
    Box<dyn FnMut(&mut Context<'_>, &KeptLink) -> Poll<Result<Vec<u8>, CallError>> + 'a>;

/// A future of this side that the other one polls.
struct Exported {
    /// In front of what it borrows, so that it goes first. Nobody waits for the lock: who polls
    /// while another poll runs does not keep to the rules.
    future: Mutex<Polled>,
    link: KeptLink,
    _borrowed: Object,
}

impl Remote for Exported {
    fn poll(&self, waker: Arc<dyn Awake>) -> Result<Option<Vec<u8>>, CallError> {
        let waker = Waker::from(Arc::new(WaitsThere(waker)));
        let mut context = Context::from_waker(&waker);
        let mut future = match self.future.try_lock() {
            Ok(future) => future,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(CallError::polled_by_two()),
        };
        match future(&mut context, &self.link) {
            Poll::Ready(value) => value.map(Some),
            Poll::Pending => Ok(None),
        }
    }
}

/// Writes a future as an object that polls it.
pub(super) fn encode(future: Polled, borrowed: Object, link: KeptLink, out: &mut Encoder<'_>) {
    let exported: Arc<dyn Remote> = Arc::new(Exported {
        future: Mutex::new(future),
        link,
        _borrowed: borrowed,
    });
    exported.encode(out);
}

/// The value of a future as bytes.
pub(super) fn bytes_of<T: Portable>(value: T, link: &KeptLink) -> Result<Vec<u8>, CallError> {
    let mut out = Encoder::new(Some(link));
    value.encode(&mut out);
    let bytes = out.finish().map(|(bytes, _)| bytes);
    bytes.map_err(|invalid| CallError::invalid("", invalid))
}

/// The value of a future of the other side, of its bytes. It borrows nothing, as was seen when the
/// future arrived.
fn value_of<T: Portable>(bytes: &[u8], link: &KeptLink) -> Result<T, Invalid> {
    let arena = Arena::default();
    let (handover, values) = Handover::arrived(link, bytes)?;
    // SAFETY: the value borrows nothing.
    unsafe { T::decode(&mut Decoder::new(values, &arena, Some(&handover))) }
}

/// A future of the other side.
pub(super) struct There<T> {
    object: Handle<dyn Remote>,
    link: KeptLink,
    ended: bool,
    _gives: PhantomData<fn() -> T>,
}

impl<T: Portable> There<T> {
    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // What it borrowed would be the bytes, which go.
        if !T::SHAPE.is_owned() {
            return Err(Invalid::new(&"no future whose value borrows"));
        }
        let link = input.link()?;
        let object = input.object::<dyn Remote>()?;
        Ok(Self {
            // SAFETY: read just now, and owned.
            object: unsafe { crate::objects::receive(object) }?,
            link,
            ended: false,
            _gives: PhantomData,
        })
    }

    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<T, CallError>> {
        if self.ended {
            return Poll::Ready(Err(CallError::completed()));
        }
        let waker: Arc<dyn Awake> = Arc::new(Waits {
            waker: context.waker().clone(),
            // SAFETY: this future keeps the connection.
            link: unsafe { KeptLink::retained(&self.link) },
        });
        let polled = self.object.try_poll(waker).flatten();
        if matches!(polled, Ok(None)) {
            return Poll::Pending;
        }
        self.ended = true;
        let bytes = match polled {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) => return Poll::Ready(Err(error)),
        };
        let value = value_of(&bytes, &self.link);
        Poll::Ready(value.map_err(|invalid| CallError::invalid("", invalid)))
    }
}
