//! `#[interface]`: a trait becomes a vtable, a handle that implements it, and a schema.
//! Here it is read and checked.

mod constants;
mod expansion;
mod objects;
mod remote;
mod vtable;

use plugwright_manifest::InterfaceVersion;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{
    Attribute, FnArg, GenericArgument, Generics, ItemTrait, LitBool, LitStr, Pat, Path,
    PathArguments, ReceiverKind, ReturnType, Safety, TraitItem, TraitItemFn, Type, TypeParamBound,
    parse_quote,
};

use crate::arguments::{Arguments, Mistakes, Slot, check_id};
use crate::crossing::{Crossing, take_marks};
use crate::lifetimes::{borrowed_mutably, lends, lent_for_ever};
use constants::Constant;

/// What the attribute and the trait say, checked.
struct Interface {
    id: LitStr,
    version: InterfaceVersion,
    /// Whether an object that panicked answers no further calls.
    poisons: bool,
    item: ItemTrait,
    /// The interfaces that it requires.
    supers: Vec<Path>,
    constants: Vec<Constant>,
    methods: Vec<Method>,
}

struct Method {
    name: Ident,
    receiver: Receiver,
    params: Vec<Param>,
    result: Crossing,
    /// What the result gives when it is a future.
    future: Option<Awaited>,
    /// The minor version in which it was added.
    since: u16,
    /// Whether the trait has a body for it.
    has_body: bool,
    /// Whether its author asks that nobody calls it any more, which the expansions do.
    is_deprecated: bool,
}

/// How a method takes its object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Receiver {
    Shared,
    Exclusive,
    Owned,
}

/// What the result of an asynchronous method says.
struct Awaited {
    output: Type,
    /// Whether it borrows the object.
    borrows: bool,
}

struct Param {
    name: Ident,
    crossing: Crossing,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut item: ItemTrait = syn::parse2(item)?;
    let arguments: Arguments = syn::parse2(arguments)?;
    let mut mistakes = Mistakes::default();
    let (mut id, mut version) = (Slot::default(), Slot::default());
    let mut poisons = Slot::default();
    for argument in &arguments.0 {
        let name = &argument.name;
        if name == "id" {
            let value = argument.text(&mut mistakes);
            id.fill(name, value, &mut mistakes);
        } else if name == "version" {
            let value = argument.text(&mut mistakes);
            version.fill(name, value, &mut mistakes);
        } else if name == "poisons" {
            let value = argument.value_as::<LitBool>("false", &mut mistakes);
            poisons.fill(name, value, &mut mistakes);
        } else {
            mistakes.at(
                name,
                "unknown argument: `id`, `version` and `poisons` are known",
            );
        }
    }
    let id = id.needed("id", "\"org.example.name\"", &mut mistakes);
    let version = version.needed("version", "\"1.0\"", &mut mistakes);
    if let Some(id) = &id {
        check_id(id, &mut mistakes);
    }
    let version = version.and_then(|text| match text.value().parse() {
        Ok(version) => Some(version),
        Err(_) => {
            mistakes.at(&text, "a version is two numbers, as in \"1.2\"");
            None
        }
    });
    let supers = check_trait(&item, &mut mistakes);
    let constants = constants::take(&mut item, &mut mistakes);
    let methods = methods(&mut item, version, &mut mistakes);
    let parts = id.zip(version);
    let (id, version) = mistakes.into_result(parts)?.unwrap_or_else(|| {
        unreachable!("a missing id or version is a mistake, and mistakes were returned")
    });
    Ok(Interface {
        id,
        version,
        poisons: poisons.given().is_none_or(|literal| literal.value),
        item,
        supers,
        constants,
        methods,
    }
    .expand())
}

/// Checks the trait itself, and returns the interfaces that it requires.
fn check_trait(item: &ItemTrait, mistakes: &mut Mistakes) -> Vec<Path> {
    if let Some(mistake) = generic(&item.generics) {
        mistakes.at(&item.generics, format!("an interface {mistake}"));
    }
    if let Some(token) = &item.unsafety {
        mistakes.at(
            token,
            "an interface cannot be an unsafe trait: leave `unsafe` out",
        );
    }
    let mut supers = Vec::new();
    for bound in &item.supertraits {
        match bound {
            TypeParamBound::Trait(bound) if is_marker(&bound.path) => {}
            TypeParamBound::Trait(bound)
                if bound.to_token_stream().to_string()
                    == bound.path.to_token_stream().to_string() =>
            {
                supers.push(bound.path.clone());
            }
            TypeParamBound::Lifetime(lifetime) if lifetime.ident == "static" => {}
            other => mistakes.at(
                other,
                "an interface can require `Send`, `Sync`, `'static` and other interfaces: for what \
                 another trait does, declare a method",
            ),
        }
    }
    supers
}

fn is_marker(path: &Path) -> bool {
    let last = path.segments.last();
    last.is_some_and(|last| last.ident == "Send" || last.ident == "Sync")
}

/// What is wrong with these generics, if anything.
fn generic(generics: &Generics) -> Option<&'static str> {
    if generics.params.is_empty() {
        None
    } else if generics.lifetimes().count() == generics.params.len() {
        Some("names no lifetimes, since what is lent ends with the call: leave them out")
    } else {
        Some(
            "cannot be generic, since a plugin is compiled before its host: name the type, or take a \
             `Box<dyn Trait>` of another interface",
        )
    }
}

fn methods(
    item: &mut ItemTrait,
    version: Option<InterfaceVersion>,
    mistakes: &mut Mistakes,
) -> Vec<Method> {
    let mut methods: Vec<Method> = Vec::new();
    for item in &mut item.items {
        match item {
            TraitItem::Fn(function) => {
                let last = methods.last().map_or(0, |last| last.since);
                // One that is told as wrong is not told as out of order too.
                let since = since(function, version, mistakes).unwrap_or(last);
                if since < last {
                    let mistake = if since == 0 {
                        "a method without `#[since(…)]` stands before those that were added \
                         later: move it up, or say which version added it"
                    } else {
                        "the method before this one was added later: methods stand in the \
                         order in which they were added"
                    };
                    mistakes.at(&function.sig.ident, mistake);
                }
                let method = method(function, since, mistakes);
                if let Some(method) = &method {
                    check_growth(method, &methods, mistakes);
                }
                methods.extend(method);
            }
            TraitItem::Type(item) => mistakes.at(
                &item.ident,
                "an interface cannot have associated types: name the type itself",
            ),
            other => mistakes.at(other, "an interface has methods and constants only"),
        }
    }
    methods
}

/// The trait without the attributes that only this macro reads, or what is no trait as it is.
pub(crate) fn without_marks(item: TokenStream) -> TokenStream {
    let Ok(mut parsed) = syn::parse2::<ItemTrait>(item.clone()) else {
        return item;
    };
    for item in &mut parsed.items {
        if let TraitItem::Const(item) = item {
            take_marks(&mut item.attrs, "since");
        }
        if let TraitItem::Fn(function) = item {
            take_marks(&mut function.attrs, "since");
            take_marks(&mut function.attrs, "encoded");
            for input in &mut function.sig.inputs {
                if let FnArg::Typed(typed) = input {
                    take_marks(&mut typed.attrs, "encoded");
                }
            }
        }
    }
    parsed.into_token_stream()
}

/// Takes `#[since("1.2")]` off a method and reads it: the minor version that added it, which
/// is 0 without the attribute, or nothing when it is told as wrong.
fn since(
    function: &mut TraitItemFn,
    version: Option<InterfaceVersion>,
    mistakes: &mut Mistakes,
) -> Option<u16> {
    let attributes = take_marks(&mut function.attrs, "since");
    let Some((attribute, others)) = attributes.split_first() else {
        return Some(0);
    };
    for other in others {
        mistakes.at(other, "`since` is given twice");
    }
    let Ok(text) = attribute.parse_args::<LitStr>() else {
        mistakes.at(
            attribute,
            "expected `#[since(\"1.2\")]`: the version that added the method",
        );
        return None;
    };
    let Ok(given) = text.value().parse::<InterfaceVersion>() else {
        mistakes.at(&text, "a version is two numbers, as in \"1.2\"");
        return None;
    };
    if let Some(mistake) = version.and_then(|version| misdated(given, version)) {
        mistakes.at(&text, mistake);
        return None;
    }
    Some(given.minor)
}

/// Why an interface that is at `version` has no method that was added in `given`, if so.
fn misdated(given: InterfaceVersion, version: InterfaceVersion) -> Option<String> {
    let major = version.major;
    if given > version {
        Some(format!(
            "later than the interface's own version, {version}: raise that too"
        ))
    } else if given.major < major {
        Some(format!(
            "the interface is at {version}: what was added before {major}.0 is there from the \
             start, and has no `#[since(…)]`"
        ))
    } else if given.minor == 0 {
        Some(format!(
            "what is there from the start, in {given}, has no `#[since(…)]`"
        ))
    } else {
        None
    }
}

/// Whether an object has several handles cannot change while hosts and plugins of different
/// minor versions meet.
fn check_growth(method: &Method, before: &[Method], mistakes: &mut Mistakes) {
    let from_the_start = |method: &&Method| method.since == 0;
    let mut before = before.iter().filter(from_the_start);
    if method.since > 0
        && method.receiver != Receiver::Shared
        && before.all(|method| method.receiver == Receiver::Shared)
    {
        mistakes.at(
            &method.name,
            "all methods of the first version take `&self`, so hosts may share its objects: \
             raise the interface's major version, or take `&self` here too",
        );
    }
}

fn method(function: &mut TraitItemFn, since: u16, mistakes: &mut Mistakes) -> Option<Method> {
    let encoded = take_marks(&mut function.attrs, "encoded");
    let mut encoded_params = Vec::new();
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(typed) = input {
            encoded_params.push(take_marks(&mut typed.attrs, "encoded"));
        }
    }
    let mut encoded_params = encoded_params.into_iter();
    let signature = &function.sig;
    for attribute in &function.attrs {
        if attribute.path().is_ident("cfg") {
            mistakes.at(
                attribute,
                "a method cannot be conditional, since host and plugin must see the same vtable: let \
                 its body differ",
            );
        }
    }
    if let Some(token) = &signature.constness {
        mistakes.at(
            token,
            "a method of an interface cannot be const: declare a constant, or leave `const` out",
        );
    }
    if let Some(token) = &signature.asyncness {
        mistakes.at(
            token,
            "an interface has no `async fn`, which no `dyn Trait` can have: write \
             `fn name(&self) -> PluginFuture<'_, T>`, and `PluginFuture::new(async move { … })` \
             in its implementations",
        );
    }
    if let Safety::Unsafe(token) = &signature.safety {
        mistakes.at(token, "a method of an interface cannot be unsafe: leave it out, and let the method check what it \
             is given");
    }
    if let Some(abi) = &signature.abi {
        mistakes.at(
            abi,
            "the method's calling convention is the interface's business: leave it out",
        );
    }
    if let Some(mistake) = generic(&signature.generics) {
        let mistake = format!("a method of an interface {mistake}");
        mistakes.at(&signature.generics, mistake);
    }
    let receiver = receiver(function, mistakes);
    let mut params = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(typed) = input else {
            continue;
        };
        let encoded = encoded_params.next().unwrap_or_default();
        if !matches!(&*typed.pat, Pat::Wild(_))
            && !matches!(&*typed.pat, Pat::Ident(pattern) if pattern.subpat.is_none())
        {
            mistakes.at(
                &typed.pat,
                "a parameter of an interface is a plain name: take it apart in the body",
            );
            continue;
        }
        check_parameter(&typed.ty, mistakes);
        check_loan(&typed.ty, &encoded, mistakes);
        params.push(Param {
            name: parameter_name(index, &typed.pat),
            crossing: Crossing::new(&typed.ty, &encoded, mistakes),
        });
    }
    let result: Type = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => {
            check_loan(ty, &encoded, mistakes);
            if let Some(reference) = borrowed_mutably(ty) {
                mistakes.at(
                    reference,
                    "a result is lent for reading only: return the value, or take a `&mut [N]` to fill",
                );
            }
            (**ty).clone()
        }
    };
    let future = awaited(&result, mistakes);
    let later = matches!(&future, Some(future) if future.borrows);
    if receiver == Receiver::Owned && (lends(&result) || later) {
        mistakes.at(
            &result,
            "a method that takes `self: Box<Self>` leaves no object that its result could borrow: \
             return what owns itself, as a `String`, or a `PluginFuture<'static, T>`",
        );
    }
    if let (Some(mark), Some(_)) = (encoded.first(), &future) {
        mistakes.at(
            mark,
            "a future is not encoded, it is polled where it is: give a derived type with a field \
             that is `#[encoded]`",
        );
    }
    Some(Method {
        name: signature.ident.clone(),
        receiver,
        params,
        result: Crossing::new(&result, &encoded, mistakes),
        future,
        since,
        has_body: function.default.is_some(),
        is_deprecated: function
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("deprecated")),
    })
}

/// What a result gives that is a future.
fn awaited(result: &Type, mistakes: &mut Mistakes) -> Option<Awaited> {
    let Type::Path(path) = result else {
        return None;
    };
    let last = path.path.segments.last()?;
    if last.ident != "PluginFuture" && last.ident != "LocalPluginFuture" {
        return None;
    }
    let name = &last.ident;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        mistakes.at(name, format!("expected `{name}<'_, T>`: what it gives"));
        return None;
    };
    let mut arguments = arguments.args.iter();
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(GenericArgument::Lifetime(lifetime)), Some(GenericArgument::Type(output)), None) => {
            Some(Awaited {
                output: output.clone(),
                borrows: lifetime.ident != "static",
            })
        }
        _ => {
            let mistake = format!(
                "expected `{name}<'_, T>` of a future that borrows the object, or \
                 `{name}<'static, T>`"
            );
            mistakes.at(result, mistake);
            None
        }
    }
}

/// The name of a parameter; the nameless are numbered.
fn parameter_name(index: usize, pattern: &Pat) -> Ident {
    match pattern {
        Pat::Ident(pattern) => pattern.ident.clone(),
        _ => format_ident!("argument_{index}"),
    }
}

/// The receiver; one that an interface cannot have is told, and taken for `&self`.
fn receiver(function: &TraitItemFn, mistakes: &mut Mistakes) -> Receiver {
    let receiver = function.sig.receiver();
    match receiver.map(|receiver| &receiver.kind) {
        Some(ReceiverKind::Reference(_, None, None)) => return Receiver::Shared,
        Some(ReceiverKind::Reference(_, None, Some(_))) => return Receiver::Exclusive,
        Some(ReceiverKind::Typed(_, ty)) if is_box_of_self(ty) => {
            return Receiver::Owned;
        }
        Some(_) => mistakes.at(
            receiver,
            "a method of an interface takes `&self`, `&mut self` or `self: Box<Self>`",
        ),
        None => mistakes.at(
            &function.sig.ident,
            "a method of an interface takes `&self`: a plugin is called through its objects",
        ),
    }
    Receiver::Shared
}

fn is_box_of_self(ty: &Type) -> bool {
    ty.to_token_stream().to_string().replace(' ', "") == "Box<Self>"
}

/// Nothing is lent for ever: not by who makes a call, and not by an object, which ends.
fn check_loan(ty: &Type, encoded: &[Attribute], mistakes: &mut Mistakes) {
    if let (Some(lifetime), []) = (lent_for_ever(ty), encoded) {
        mistakes.at(
            lifetime,
            "what crosses is lent for a call, or by the object, and not for ever: leave `'static` out, \
             or take and return what owns itself, as a `String`",
        );
    }
}

fn check_parameter(ty: &Type, mistakes: &mut Mistakes) {
    if let Type::Reference(reference) = ty
        && let Some(token) = &reference.mutability
        && !matches!(*reference.elem, Type::Slice(_))
    {
        mistakes.at(
            token,
            "only a slice of numbers can be lent for writing: return the new value",
        );
    }
}
