//! The vtable of an interface, the shims that it points to on the plugin's side, and the
//! traits that tie everything together.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

use super::{Interface, Method, Param, Receiver};
use crate::lifetimes::with_static;
use crate::portable::as_portable;

impl Interface {
    /// The `repr(C)` table of functions.
    pub(super) fn vtable(&self) -> TokenStream {
        let vis = &self.item.vis;
        let name = self.vtable_name();
        let fields = self.methods.iter().map(|method| {
            let field = &method.name;
            let params = method.statics();
            let result = method.static_result();
            let function = quote! {
                unsafe extern "C" fn(
                    *const (),
                    #(#params::Abi,)*
                ) -> ::plugwright_plugin::__private::Reply<#result::Abi>
            };
            if method.since == 0 {
                quote! { #field: #function, }
            } else {
                quote! { #field: ::core::option::Option<#function>, }
            }
        });
        let (supers, super_fields) = (&self.supers, self.super_fields());
        let constants = self.constant_fields();
        quote! {
            #[doc(hidden)]
            #[repr(C)]
            #vis struct #name {
                __head: ::plugwright_plugin::__private::VtableHead,
                #(#super_fields: *const <dyn #supers as ::plugwright_plugin::Interface>::Vtable,)*
                #(#constants: *const u64,)*
                #(#fields)*
            }
        }
    }

    /// The shims on the plugin's side and the traits.
    pub(super) fn impls(&self) -> TokenStream {
        let ident = &self.item.ident;
        let shims = self.methods.iter().map(|method| self.shim(method));
        let interface = self.interface();
        let vtable = self.vtable_name();
        let entries = self.entries(&quote! { ::<__T> });
        let first = self.first_entries(&quote! { __T });
        let proxies = self.proxies();
        quote! {
            const _: () = {
                #(#shims)*

                #interface

                // SAFETY: the shims take an object of `__T`, and so does the head.
                unsafe impl<__T: #ident + 'static> ::plugwright_plugin::Provides<__T> for dyn #ident {
                    const VTABLE: &'static #vtable = &#vtable {
                        __head: ::plugwright_plugin::__private::vtable_head::<__T, Self>(),
                        #first
                        #entries
                    };
                }

                #proxies
            };
        }
    }

    /// What the interface is, for comparison and for calls by number.
    fn interface(&self) -> TokenStream {
        let ident = &self.item.ident;
        let vtable = self.vtable_name();
        let calls = self.calls_name();
        let id = &self.id;
        let (major, minor) = (self.version.major, self.version.minor);
        let count = self.first_method() + self.methods.len();
        let supers = &self.supers;
        let required = supers.iter().map(required);
        let shapes = required
            .chain(self.constant_shapes())
            .chain(self.methods.iter().map(Method::shape));
        let dispatch = self.dispatch();
        let futures = self.methods.iter().filter(|method| method.future.is_some());
        let futures = futures.count();
        quote! {
            static FINGERPRINTS: [u64; #count] =
                <dyn #ident as ::plugwright_plugin::Interface>::SHAPE.fingerprints();

            static TABLE: ::plugwright_plugin::__private::InterfaceTable =
                ::plugwright_plugin::__private::InterfaceTable {
                    id: ::plugwright_plugin::__private::RawSlice::of(#id),
                    major: #major,
                    minor: #minor,
                    bounds: <dyn #ident as ::plugwright_plugin::Interface>::SHAPE.bounds.code(),
                    methods: ::plugwright_plugin::__private::count(#count),
                    fingerprints: FINGERPRINTS.as_ptr(),
                };

            // SAFETY: the vtable is repr(C), begins with its head and has the methods
            // of the shape in order; the calls are transparent over the raw handle.
            unsafe impl ::plugwright_plugin::Interface for dyn #ident {
                const ID: &'static str = #id;
                const VERSION: ::plugwright_plugin::__private::InterfaceVersion =
                    ::plugwright_plugin::__private::InterfaceVersion::new(#major, #minor);
                const SHAPE: &'static ::plugwright_plugin::InterfaceShape =
                    &::plugwright_plugin::InterfaceShape {
                        id: Self::ID,
                        version: Self::VERSION,
                        bounds: {
                            use ::plugwright_plugin::__private::{Bounds, OneThread, Threads};
                            Bounds {
                                send: Threads::<Self>::SEND || <Threads<Self> as OneThread>::SEND,
                                sync: Threads::<Self>::SYNC || <Threads<Self> as OneThread>::SYNC,
                            }
                        },
                        methods: &[#(#shapes),*],
                        requires: &[#(<dyn #supers as ::plugwright_plugin::Interface>::SHAPE),*],
                    }
                    .checked(#futures);
                const TABLE: &'static ::plugwright_plugin::__private::InterfaceTable = &TABLE;
                const SUPERS: &'static [::plugwright_plugin::Fit] =
                    &[#(::plugwright_plugin::__private::fit_super::<dyn #supers>),*];
                type Vtable = #vtable;
                type Calls = #calls;

                fn as_handle(&self) -> ::core::option::Option<&::plugwright_plugin::Handle<Self>> {
                    #ident::__plugwright_handle(self)
                }

                fn boxed(handle: ::plugwright_plugin::Handle<Self>) -> ::std::boxed::Box<Self> {
                    ::std::boxed::Box::new(handle)
                }

                #dispatch
            }
        }
    }

    /// Whether values are made for a call, which its arguments borrow: a constant expression.
    pub(super) fn converted(&self, method: &Method) -> TokenStream {
        if method.params.is_empty() {
            return quote! { false };
        }
        let ident = &self.item.ident;
        let same = |other: &Method| other.name == method.name;
        let index = self.methods.iter().position(same).unwrap_or_default() + self.first_method();
        quote! {
            const { <dyn #ident as ::plugwright_plugin::Interface>::SHAPE.methods[#index].is_converted() }
        }
    }

    /// The vtable's entries in front of the methods: for the interfaces that are required, on
    /// objects of `class`, and for the constants.
    pub(super) fn first_entries(&self, class: &TokenStream) -> TokenStream {
        let (supers, fields) = (&self.supers, self.super_fields());
        let constants = self.constant_fields();
        let places = self.supers.len()..;
        quote! {
            #(#fields: <dyn #supers as ::plugwright_plugin::Provides<#class>>::VTABLE,)*
            #(#constants: ::plugwright_plugin::__private::constants::entry(
                &<Self as ::plugwright_plugin::Interface>::SHAPE.methods[#places],
            ),)*
        }
    }

    /// The vtable's entries: the functions of the methods' names, with these arguments.
    pub(super) fn entries(&self, generics: &TokenStream) -> TokenStream {
        let entries = self.methods.iter().map(|method| {
            let name = &method.name;
            if method.since == 0 && generics.is_empty() {
                quote! { #name, }
            } else if method.since == 0 {
                quote! { #name: #name #generics, }
            } else {
                quote! { #name: ::core::option::Option::Some(#name #generics), }
            }
        });
        quote! { #(#entries)* }
    }

    /// The function that a vtable points to: takes the arguments over, then runs the method
    /// inside the panic boundary.
    fn shim(&self, method: &Method) -> TokenStream {
        let ident = &self.item.ident;
        let function = &method.name;
        let names = method
            .params
            .iter()
            .map(|Param { name, crossing }| crossing.take(quote! { #name? }));
        let result = method.static_result();
        let give = as_portable(&method.result.portable());
        let (params, take, taken) = (method.abi_params(), method.take(), method.taken());
        let converted = self.converted(method);
        let called = quote! { <__T as #ident>::#function(__this, #(#names),*) };
        let (exclusively, poisons) = (method.receiver == Receiver::Exclusive, self.poisons);
        let called = match &method.future {
            Some(future) if future.borrows => quote! {
                // SAFETY: the future borrows the object, so it ends before that does.
                unsafe {
                    ::plugwright_plugin::__private::of_object::<__T, _>(
                        __object, #exclusively, #poisons, #called,
                    )
                }
            },
            _ => method.result.give(called),
        };
        let given = quote! { ::core::result::Result::Ok(#give::into_abi(#called)) };
        let (take, taken, given) = if poisons {
            (take, taken, given)
        } else {
            survived(&take, &taken, &given)
        };
        let (call, this) = match method.receiver {
            Receiver::Shared => (quote! { call }, quote! { &__T }),
            Receiver::Exclusive => (quote! { call_exclusively }, quote! { &mut __T }),
            Receiver::Owned => (quote! { call_owned }, quote! { ::std::boxed::Box<__T> }),
        };
        quote! {
            unsafe extern "C" fn #function<__T: #ident + 'static>(
                __object: *const (),
                #params
            ) -> ::plugwright_plugin::__private::Reply<#result::Abi> {
                #take
                // SAFETY: the object is one of `__T`, whose vtable holds this function.
                unsafe {
                    ::plugwright_plugin::__private::#call::<__T, _, _>(
                        __object,
                        #converted,
                        __take,
                        move |__this: #this, #taken| { #given },
                    )
                }
            }
        }
    }
}

/// How arguments are taken over and what is done with them, so that a panic in either leaves the
/// object as it is.
fn survived(
    take: &TokenStream,
    taken: &TokenStream,
    given: &TokenStream,
) -> (TokenStream, TokenStream, TokenStream) {
    let surviving = quote! { ::plugwright_plugin::__private::surviving };
    (
        quote! {
            #take
            let __take = move || #surviving(move || ::core::result::Result::Ok(__take()));
        },
        quote! { __taken },
        quote! {
            let #taken = __taken?;
            #surviving(move || #given)
        },
    )
}

/// What stands in the shape for an interface that is required.
fn required(interface: &Path) -> TokenStream {
    quote! {
        ::plugwright_plugin::__private::MethodShape {
            name: <dyn #interface as ::plugwright_plugin::Interface>::ID,
            receiver: ::plugwright_plugin::__private::Receiver::Shared,
            params: &[],
            result: &::plugwright_plugin::__private::Shape::Interface(
                ::plugwright_plugin::__private::Holder::Super,
                <dyn #interface as ::plugwright_plugin::Interface>::ID,
                <dyn #interface as ::plugwright_plugin::Interface>::VERSION.major,
            ),
            since: 0,
        }
    }
}

impl Method {
    /// `<Result as Portable>` where no lifetime can be named.
    pub(super) fn static_result(&self) -> TokenStream {
        as_portable(&with_static(&self.result.portable()))
    }

    /// `name: Abi, …` of a vtable's function.
    pub(super) fn abi_params(&self) -> TokenStream {
        let (names, statics) = (self.names(), self.statics());
        quote! { #(#names: #statics::Abi,)* }
    }

    /// `__take`, a function that takes the arguments over.
    pub(super) fn take(&self) -> TokenStream {
        let (names, types) = (self.names(), self.portables());
        let body = if self.params.is_empty() {
            quote! { () }
        } else {
            quote! {
                // SAFETY: the caller gave each argument away, as the Abi of its type. All are
                // taken over before anything can fail, so that none is lost.
                (#(unsafe { #types::from_abi(#names) },)*)
            }
        };
        quote! { let __take = move || #body; }
    }

    /// The arguments as they were taken over: a pattern.
    pub(super) fn taken(&self) -> TokenStream {
        let names = self.names();
        quote! { (#(#names,)*) }
    }

    /// The method's shape: a constant expression.
    fn shape(&self) -> TokenStream {
        let name = self.name.to_string();
        let params = self.params.iter().map(|param| {
            let name = param.name.to_string();
            let ty = as_portable(&with_static(&param.crossing.portable()));
            quote! {
                ::plugwright_plugin::__private::FieldShape {
                    name: #name,
                    shape: #ty::SHAPE,
                }
            }
        });
        let result = self.static_result();
        let since = self.since;
        let receiver = match self.receiver {
            Receiver::Shared => quote! { Shared },
            Receiver::Exclusive => quote! { Exclusive },
            Receiver::Owned => quote! { Owned },
        };
        quote! {
            ::plugwright_plugin::__private::MethodShape {
                name: #name,
                receiver: ::plugwright_plugin::__private::Receiver::#receiver,
                params: &[#(#params),*],
                result: #result::SHAPE,
                since: #since,
            }
        }
    }
}
