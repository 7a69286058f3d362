//! The attribute and derive macros of `plugwright-plugin`, which re-exports and documents
//! them. Each is a pipeline: parse into a model, check it (reporting every mistake, on the
//! token that makes it), expand the model into dull code.

#![forbid(unsafe_code)]

mod arguments;
mod crossing;
mod interface;
mod lifetimes;
mod metadata;
mod plugin;
mod portable;
mod remarks;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a trait a plugin interface.
///
/// ```text
/// #[interface(id = "org.example.codec", version = "1.2")]
/// pub trait Codec: Send + Sync { … }
/// ```
///
/// - `id`: the interface's reverse-DNS name, for ever.
/// - `version`: `major.minor`. Add methods at the end, each with `#[since("1.2")]`, and raise
///   the minor number to that; anything else raises the major number.
/// - `poisons = false`: a panic is a failure of its own call only. Unless this is given, an object
///   that panicked answers no further calls, since nobody knows in which state its method left it.
///   Give it where implementors keep their objects whole also when a method ends early. It is the
///   library that has the object which decides, and for panics in this interface's own methods.
///
/// The trait may require `Send`, `Sync`, `'static`, and other interfaces: all of them by name,
/// also those that one of these requires. A handle has the methods of each, and
/// `Handle::upcast` makes it one of that. Its methods take types that are
/// `Portable`, and may have default bodies. They take `&self`; or `&mut self` or
/// `self: Box<Self>`, and then an object has one handle, which is not `Clone`: it crosses in a
/// `Box` and not in an `Arc`, and no singleton has it. A later minor version cannot add such a
/// method to an interface that has none. A later method that the plugin does
/// not have yet is answered by its default body, on the host's side, and is a `CallError` of
/// the kind `Unsupported` where there is none. Beside the trait, `TRAITCalls` is
/// made: what a `Handle<dyn TRAIT>` dereferences to, with a `try_NAME` for each method that
/// returns failures of the call itself as a `CallError`. A method that takes its time returns
/// `PluginFuture<'_, T>`, by that name and as a whole. (The form of a method that takes
/// `self: Box<Self>` takes the handle: `TRAITCalls::try_NAME(handle)`.)
///
/// What an argument borrows is lent for the call, and what a result borrows for as long as the
/// object is borrowed. Nothing is lent for ever: a `&'static` reference does not compile, nor a type
/// that borrows and whose lifetime is not written, as in `Name<'_>`.
///
/// A constant (`const LIMIT: u32 = 64;`: a number of at most 64 bits, `bool`, `char` or `&str`) is
/// the same for all that implement the trait, is named `<dyn TRAIT>::LIMIT`, and stands in the
/// record of each plugin: one that was built with another value fits no more. Constants are there
/// from the first minor version on.
///
/// A parameter with `#[encoded]`, and the whole result of a method with it, need not be
/// `Portable`: they cross as serde encodes them, in CBOR. This takes the feature `encoded`.
#[proc_macro_attribute]
pub fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    interface::expand(arguments.into(), item.clone())
        .unwrap_or_else(|mistakes| beside(interface::without_marks(item), &mistakes))
        .into()
}

/// Makes a type a plugin.
///
/// ```text
/// #[plugin(
///     id = "org.example.zstd",
///     provides(Codec, keys = ["zstd", "zst"], rank = 10),
///     metadata = "plugin.json",
/// )]
/// #[derive(Default)]
/// pub struct Zstd;
/// ```
///
/// - `id`: the plugin's reverse-DNS name.
/// - `provides(TRAIT, keys = […], rank = N, metadata = …)`: an interface that the type
///   implements, the names under which it is found, and which of several providers of a
///   name is preferred (the greater rank; 0 unless given). May be repeated.
/// - `metadata`: the application's own data: a JSON file relative to the crate's
///   `Cargo.toml`, or an object in braces. Checked when the plugin is compiled.
/// - `name`: the plugin's name for people.
/// - `capabilities = ["files:read:/usr/share/x", "threads:4", …]`: what it asks its host to be
///   allowed, in the words of `plugwright_manifest::Capability`. What it asks for is the
///   policy's to grant; that it imports what it did not ask for is told, or refused.
/// - `singleton = true`: all who ask one host for the plugin share one instance, which the
///   host makes when it is first asked for. Its interfaces are `Send` and `Sync`.
/// - `unloadable = true`: declares that the library may be unmapped: no thread-local
///   values, threads or registrations of it outlive its last object.
///
/// Version, description, licence, authors and homepage come from `Cargo.toml`. The type is
/// made with `Default`, or, when it implements the trait `Plugin`, as that says.
///
/// A library may have several plugins: it offers those of the crate that it is built from,
/// and not those of crates that this one depends on.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    plugin::expand(arguments.into(), item.clone())
        .unwrap_or_else(|mistakes| beside(item, &mistakes))
        .into()
}

/// Lets a struct or an enum cross the boundary, when all its fields do.
///
/// It may have lifetimes, for fields that borrow, and type parameters, which then must be
/// `Portable` themselves. None is `'static`: what crosses is lent for a call. It does not hold itself,
/// as a list or a tree does: a field with that is `#[encoded]`.
///
/// - `#[encoded]` on a field: it crosses as serde encodes it, and need not be `Portable`.
/// - `#[unknown]` on one variant of an enum, which has no fields: the enum grows. Variants that
///   both sides must have stand before it, and those that are added later behind it, in any
///   order. A side that gets a variant which it does not have gets this one. Such an enum is
///   best also `#[non_exhaustive]`, so that adding a variant breaks no `match`. A variant
///   with fields costs an allocation where it crosses.
///
/// ```text
/// #[derive(Portable)]
/// #[non_exhaustive]
/// pub enum Event {
///     Opened(String),
///     Closed,
///     #[unknown]
///     Other,
///     Resized { width: u32, height: u32 },
/// }
/// ```
#[proc_macro_derive(Portable, attributes(encoded, unknown))]
pub fn portable(item: TokenStream) -> TokenStream {
    portable::expand(item.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// The item as it was written, and its mistakes: without it, everything that names the item
/// would be reported too.
fn beside(item: proc_macro2::TokenStream, mistakes: &syn::Error) -> proc_macro2::TokenStream {
    let mistakes = mistakes.to_compile_error();
    quote::quote! { #item #mistakes }
}
