//! The rules, one file each. A rule looks at facts and policy and adds its reasons; it never takes one away, so that no
//! rule can overrule another and adding a rule can only refuse more.

mod digest;
mod ownership;
mod panic;
pub(crate) mod placement;
mod structure;

use crate::{Facts, Policy, Reason};
use alloc::vec::Vec;

/// A rule.
type Rule = fn(&Facts, &Policy, &mut Vec<Reason>);

/// Every rule, in the order in which their reasons are told.
pub(crate) const ALL: &[Rule] = &[
    structure::check,
    ownership::check,
    digest::check,
    panic::check,
    placement::check,
];
