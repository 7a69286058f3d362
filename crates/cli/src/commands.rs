//! One file per command: its arguments, what it asks, and how the answer is laid out.

pub(crate) mod audit;
pub(crate) mod find;
pub(crate) mod generate;
pub(crate) mod inspect;
pub(crate) mod interface;
pub(crate) mod judged;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod metadata;
pub(crate) mod places;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod sign;
pub(crate) mod trust;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod why;
