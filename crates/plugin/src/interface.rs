//! What `#[interface]` makes of a trait.

use plugwright_manifest::InterfaceVersion;
use plugwright_manifest::schema::InterfaceShape;

use crate::abi::InterfaceTable;

/// A trait that plugins provide: implemented by `#[interface]` for `dyn Trait`.
///
/// # Safety
/// `Vtable` is `repr(C)`, begins with a [`VtableHead`](crate::abi::VtableHead) and then has
/// one function for each method of `SHAPE`, in order, with the Abi types of the shapes; those
/// of methods that were added in a later minor version are `Option`s. `TABLE` says the same
/// as `SHAPE`. `Calls` is `repr(transparent)` over [`RawHandle<Self::Vtable>`](crate::RawHandle).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plugin interface",
    label = "not the `dyn` of a trait with #[interface]",
    note = "put #[plugwright_plugin::interface(id = \"…\", version = \"…\")] on the trait"
)]
pub unsafe trait Interface: 'static {
    /// The interface's id.
    const ID: &'static str;

    /// The interface's version.
    const VERSION: InterfaceVersion;

    /// The interface's id, version and methods.
    const SHAPE: &'static InterfaceShape;

    /// The same as it crosses.
    const TABLE: &'static InterfaceTable;

    /// The table of functions that a plugin hands out.
    type Vtable: 'static;

    /// The methods that report failures of the call itself: a handle dereferences to it.
    type Calls: 'static;
}

/// The vtable of an interface for a type that implements the trait.
///
/// # Safety
/// `VTABLE`'s functions take an object that [`create`](crate::__private::create) made for
/// `T`, and its head is that of [`vtable_head::<T>`](crate::__private::vtable_head).
#[diagnostic::on_unimplemented(
    message = "`{T}` does not implement the trait behind `{Self}`",
    label = "listed in `provides(…)`, but the trait is not implemented"
)]
pub unsafe trait Provides<T>: Interface {
    /// The functions.
    const VTABLE: &'static Self::Vtable;
}
