//! Objects on the other side of a connection that shares no memory with this one.
//!
//! Both directions know no interface: [`Object::invoke`] calls a method of an object by its
//! number, with arguments and result as bytes, and a [`Link`] carries such calls to
//! wherever the object is. In between stand a vtable whose functions encode and send
//! ([`Handle::remote`](crate::Handle::remote)), and the function of every vtable that decodes and calls. A remote
//! handle is an ordinary [`Handle`](crate::Handle): who calls it does not know.
//!
//! The two sides may be of different minor versions: with an object's number goes what it has, and a
//! method that it does not have is answered on this side, as it is without a connection.
//!
//! Numbers of objects count references: each message that carries a number hands one over,
//! so a connection that keeps the order of its messages never names an object that is gone. They
//! stand in front of the message, so that who refuses it, for whatever reason, gives back
//! what it handed over.

mod connection;
mod description;
mod handover;
mod invoked;
mod invoking;
mod proxy;

pub(crate) use connection::KeptLink;
pub use connection::Link;
pub(crate) use connection::come_home;
pub(crate) use description::write as describe;
pub use handover::let_go;
pub(crate) use handover::{Handed, Handover};
pub(crate) use invoked::invoke;
pub use invoked::{is_cancelled, time_left};
pub use invoking::{Invocation, Object};
#[doc(hidden)]
pub use proxy::{Message, Proxy};
pub use proxy::{NotRemotable, RemoteError};
pub(crate) use proxy::{arrived, give};
