//! Every type crosses in both directions, unchanged: called directly and over a pipe, from the
//! host to the plugin and, as a callback, from the plugin to the host.

use std::sync::Arc;

// What the entry function below is linked from.
use fixture_matrix as _;
use fixture_matrix_interface::checks::{self, awaited_and_awaiting, called_and_calling};
use fixture_matrix_interface::{Later, Matrix};
use plugwright_plugin::abi::Entry;
use plugwright_plugin::{Handle, Interface};

use crate::transport::piped;
use crate::{create, summary_of};

unsafe extern "C" {
    #[link_name = "plugwright_entry_org_example_echo_3125650c"]
    fn entry(
        host: *const plugwright_plugin::abi::HostTable,
    ) -> *const plugwright_plugin::abi::PluginTable;
}

const ENTRY: Entry = entry;

pub(crate) fn echo() -> Handle<dyn Matrix> {
    echo_as()
}

pub(crate) fn echo_as<T: ?Sized + Interface>() -> Handle<T> {
    let summary = summary_of!("org.example.echo", dyn Matrix, dyn Later);
    create(ENTRY, &summary)
}

/// Runs the check with each direction over each transport.
#[track_caller]
fn everywhere(check: fn(&dyn Matrix)) {
    called_and_calling(&echo(), check);
    let (remote, _other_end) = piped(&echo());
    called_and_calling(&remote, check);
    awaited_and_awaiting(Box::new(echo_as::<dyn Later>()), check);
    let (remote, _other_end) = piped(&echo_as::<dyn Later>());
    awaited_and_awaiting(Box::new(remote), check);
}

#[test]
fn what_serde_knows() {
    everywhere(checks::what_serde_knows);
}

#[test]
fn objects() {
    everywhere(checks::objects);
}

#[test]
fn tuples_and_numbers_that_are_not_zero() {
    everywhere(checks::tuples_and_numbers_that_are_not_zero);
}

#[test]
fn enums_that_grow() {
    everywhere(checks::enums_that_grow);
}

#[test]
fn references() {
    everywhere(checks::references);
}

#[test]
fn scalars() {
    everywhere(checks::scalars);
}

#[test]
fn owned_and_nested() {
    everywhere(checks::owned_and_nested);
}

#[test]
fn sequences() {
    everywhere(checks::sequences);
}

#[test]
fn times_paths_and_non_zeros() {
    everywhere(checks::times_paths_and_non_zeros);
}

#[test]
fn maps_and_sets() {
    everywhere(checks::maps_and_sets);
}

#[test]
fn generic_and_borrowing_types() {
    everywhere(checks::generic_and_borrowing_types);
}

#[test]
fn slices_are_lent() {
    everywhere(checks::slices_are_lent);
}

#[test]
fn borrowed_arguments() {
    everywhere(checks::borrowed_arguments);
}

#[test]
fn many_arguments_keep_their_order() {
    everywhere(checks::many_arguments_keep_their_order);
}

/// Over a pipe they are.
#[test]
fn buffers_are_not_copied() {
    called_and_calling(&echo(), checks::buffers_are_not_copied);
}

#[test]
fn a_handle_is_an_ordinary_trait_object() {
    let boxed: Box<dyn Matrix> = Box::new(echo());
    assert_eq!(boxed.int_u32(5), 5);
    let shared: Arc<dyn Matrix> = Arc::new(echo());
    let there = std::thread::spawn(move || shared.text("thread")).join();
    assert_eq!(there.expect("no panic"), "thread");
}
