//! The rules, one file each. A rule looks at facts and policy and adds its reasons; it never takes one away, so that no
//! rule can overrule another and adding a rule can only refuse more.

mod audit;
pub(crate) mod capability;
mod digest;
mod hazard;
mod lock;
mod needed;
mod ownership;
pub(crate) mod panic;
pub(crate) mod placement;
mod signature;
mod structure;

pub use capability::telling_imports;
pub use placement::is_frozen;
pub use signature::accepted;

use crate::{Facts, Policy, Reason};
use alloc::vec::Vec;

/// A rule.
type Rule = fn(&Facts, &Policy, &mut Vec<Reason>);

/// Every rule that refuses, in the order in which their reasons are told.
pub(crate) const ALL: &[Rule] = &[
    structure::check,
    hazard::check,
    audit::check,
    ownership::check,
    digest::check,
    signature::check,
    lock::check,
    needed::check,
    panic::check,
    placement::check,
];
