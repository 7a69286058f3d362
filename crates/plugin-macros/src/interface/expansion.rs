//! What becomes of an interface: its vtable, its handle, its shims and its schema.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::parse_quote;

use super::{Interface, Method, Param};
use crate::lifetimes::with_static;
use crate::portable::as_portable;

impl Interface {
    pub(super) fn expand(&self) -> TokenStream {
        let mut item = self.item.clone();
        let ident = &item.ident;
        item.items.push(parse_quote! {
            /// The handle that this object is, when it is one: it is passed on as it came.
            #[doc(hidden)]
            fn __plugwright_handle(&self) -> ::core::option::Option<&::plugwright_plugin::Handle<dyn #ident>> {
                ::core::option::Option::None
            }
        });
        let calls = self.calls();
        let handle = self.handle();
        let vtable = self.vtable();
        let defaults = self.defaults();
        let objects = self.objects();
        let impls = self.impls();
        quote! {
            #item
            #vtable
            #calls
            #handle
            #defaults
            #objects
            #impls
        }
    }

    fn vtable_name(&self) -> Ident {
        format_ident!("__{}Vtable", self.item.ident)
    }

    fn calls_name(&self) -> Ident {
        format_ident!("{}Calls", self.item.ident)
    }

    /// The `repr(C)` table of functions.
    fn vtable(&self) -> TokenStream {
        let vis = &self.item.vis;
        let name = self.vtable_name();
        let fields = self.methods.iter().map(|method| {
            let field = &method.name;
            let params = method.statics();
            let result = as_portable(&method.result);
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
        quote! {
            #[doc(hidden)]
            #[repr(C)]
            #vis struct #name {
                __head: ::plugwright_plugin::__private::VtableHead,
                #(#fields)*
            }
        }
    }

    /// The type that a handle dereferences to, with a `try_` form of each method.
    fn calls(&self) -> TokenStream {
        let vis = &self.item.vis;
        let name = self.calls_name();
        let vtable = self.vtable_name();
        let ident = &self.item.ident;
        let doc = format!(
            " The methods of [`{ident}`] on a handle, with failures of the call itself as values."
        );
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let try_name = format_ident!("try_{}", function);
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let portables = method.portables();
            let result = &method.result;
            let path = format!("{ident}::{function}");
            let doc = format!(" As [`{ident}::{function}`].");
            let pointer = self.pointer(method, &path);
            quote! {
                #[doc = #doc]
                ///
                /// # Errors
                /// When the call itself fails: the plugin panicked, for instance.
                #[inline]
                pub fn #try_name(&self, #params)
                    -> ::core::result::Result<#result, ::plugwright_plugin::CallError>
                {
                    #pointer
                    // SAFETY: the handle's object and vtable belong together, and each
                    // argument is given away once.
                    let __reply = unsafe {
                        __function(
                            self.0.object(),
                            #(#portables::into_abi(#arguments),)*
                        )
                    };
                    // SAFETY: the vtable declares this result.
                    unsafe { __reply.take::<#result>(#path) }
                }
            }
        });
        quote! {
            #[doc = #doc]
            #[derive(Debug)]
            #[repr(transparent)]
            #vis struct #name(::plugwright_plugin::__private::RawHandle<#vtable>);

            impl #name {
                #(#methods)*
            }
        }
    }

    /// Takes a method's function out of the vtable, or answers the call without it.
    fn pointer(&self, method: &Method, path: &str) -> TokenStream {
        let function = &method.name;
        if method.since == 0 {
            return quote! { let __function = self.0.vtable().#function; };
        }
        let absent = if method.has_body {
            let (ident, defaults) = (&self.item.ident, self.defaults_name());
            let arguments = method.params.iter().map(|param| &param.name);
            quote! {
                ::core::result::Result::Ok(
                    <#defaults as #ident>::#function(#defaults::of(&self.0), #(#arguments),*)
                )
            }
        } else {
            quote! {
                ::core::result::Result::Err(::plugwright_plugin::CallError::unsupported(#path))
            }
        };
        quote! {
            let ::core::option::Option::Some(__function) = self.0.vtable().#function else {
                return #absent;
            };
        }
    }

    /// A handle on which the methods that may be absent have the trait's own bodies: what a
    /// plugin that was built earlier is completed with.
    fn defaults(&self) -> Option<TokenStream> {
        let later = |method: &&Method| method.since > 0 && method.has_body;
        self.methods.iter().find(later)?;
        let ident = &self.item.ident;
        let name = self.defaults_name();
        let vtable = self.vtable_name();
        let forwarded = self.methods.iter().filter(|method| !later(method));
        let forwarded = forwarded.map(|method| {
            let function = &method.name;
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let result = &method.result;
            quote! {
                fn #function(&self, #params) -> #result {
                    <::plugwright_plugin::Handle<dyn #ident> as #ident>::#function(
                        &self.0, #(#arguments),*
                    )
                }
            }
        });
        Some(quote! {
            #[doc(hidden)]
            #[repr(transparent)]
            struct #name(::plugwright_plugin::Handle<dyn #ident>);

            impl #name {
                fn of(handle: &::plugwright_plugin::__private::RawHandle<#vtable>) -> &Self {
                    // SAFETY: both are transparent over the raw handle.
                    unsafe { &*(&raw const *handle).cast::<Self>() }
                }
            }

            impl #ident for #name {
                #(#forwarded)*
            }
        })
    }

    fn defaults_name(&self) -> Ident {
        format_ident!("__{}Defaults", self.item.ident)
    }

    /// The trait for handles: each method is its `try_` form, with the failure lifted.
    fn handle(&self) -> TokenStream {
        let ident = &self.item.ident;
        let calls = self.calls_name();
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let try_name = format_ident!("try_{}", function);
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let result = &method.result;
            quote! {
                #[inline]
                fn #function(&self, #params) -> #result {
                    match #calls::#try_name(self, #(#arguments),*) {
                        ::core::result::Result::Ok(__value) => __value,
                        ::core::result::Result::Err(__error) => {
                            use ::plugwright_plugin::__private::{LiftAsError as _, LiftAsPanic as _};
                            (&::plugwright_plugin::__private::Lift::<#result>::new()).lift(__error)
                        }
                    }
                }
            }
        });
        quote! {
            impl #ident for ::plugwright_plugin::Handle<dyn #ident> {
                #(#methods)*

                fn __plugwright_handle(&self) -> ::core::option::Option<&Self> {
                    ::core::option::Option::Some(self)
                }
            }
        }
    }

    /// The shims on the plugin's side and the traits that tie everything together.
    fn impls(&self) -> TokenStream {
        let ident = &self.item.ident;
        let vtable = self.vtable_name();
        let calls = self.calls_name();
        let id = &self.id;
        let (major, minor) = (self.version.major, self.version.minor);
        let entries = self.methods.iter().map(|method| {
            let name = &method.name;
            if method.since == 0 {
                quote! { #name: #name::<__T>, }
            } else {
                quote! { #name: ::core::option::Option::Some(#name::<__T>), }
            }
        });
        let count = self.methods.len();
        let shapes = self.methods.iter().map(Method::shape);
        let shims = self.methods.iter().map(|method| method.shim(ident));
        quote! {
            const _: () = {
                #(#shims)*

                static FINGERPRINTS: [u64; #count] =
                    <dyn #ident as ::plugwright_plugin::Interface>::SHAPE.fingerprints();

                static TABLE: ::plugwright_plugin::__private::InterfaceTable =
                    ::plugwright_plugin::__private::InterfaceTable {
                        id: ::plugwright_plugin::__private::RawSlice::of(#id),
                        major: #major,
                        minor: #minor,
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
                            methods: &[#(#shapes),*],
                        };
                    const TABLE: &'static ::plugwright_plugin::__private::InterfaceTable = &TABLE;
                    type Vtable = #vtable;
                    type Calls = #calls;
                }

                // SAFETY: the shims take an object of `__T`, and so does the head.
                unsafe impl<__T: #ident + 'static> ::plugwright_plugin::Provides<__T> for dyn #ident {
                    const VTABLE: &'static #vtable = &#vtable {
                        __head: ::plugwright_plugin::__private::vtable_head::<__T>(
                            ::core::mem::size_of::<#vtable>(),
                            &TABLE,
                        ),
                        #(#entries)*
                    };
                }
            };
        }
    }
}

impl Method {
    /// `name: Type, …` as the trait declares it.
    pub(super) fn declarations(&self) -> TokenStream {
        let names = self.params.iter().map(|param| &param.name);
        let types = self.params.iter().map(|param| &param.ty);
        quote! { #(#names: #types),* }
    }

    /// `<Type as Portable>` for each parameter.
    fn portables(&self) -> impl Iterator<Item = TokenStream> {
        self.params.iter().map(|param| as_portable(&param.ty))
    }

    /// The same, where no lifetime can be named.
    fn statics(&self) -> impl Iterator<Item = TokenStream> {
        let with_static = |param: &Param| as_portable(&with_static(&param.ty));
        self.params.iter().map(with_static)
    }

    /// The method's shape: a constant expression.
    fn shape(&self) -> TokenStream {
        let name = self.name.to_string();
        let params = self.params.iter().map(|param| {
            let name = param.name.to_string();
            let ty = as_portable(&with_static(&param.ty));
            quote! {
                ::plugwright_plugin::__private::FieldShape {
                    name: #name,
                    shape: #ty::SHAPE,
                }
            }
        });
        let result = as_portable(&self.result);
        let since = self.since;
        quote! {
            ::plugwright_plugin::__private::MethodShape {
                name: #name,
                params: &[#(#params),*],
                result: #result::SHAPE,
                since: #since,
            }
        }
    }

    /// The function that a vtable points to: takes the arguments over, then runs the method
    /// inside the panic boundary.
    fn shim(&self, ident: &Ident) -> TokenStream {
        let function = &self.name;
        let names: Vec<&Ident> = self.params.iter().map(|param| &param.name).collect();
        let types = self.portables();
        let statics = self.statics();
        let result = as_portable(&self.result);
        quote! {
            unsafe extern "C" fn #function<__T: #ident + 'static>(
                __object: *const (),
                #(#names: #statics::Abi,)*
            ) -> ::plugwright_plugin::__private::Reply<#result::Abi> {
                // SAFETY: the caller gave each argument away, as the Abi of its type. All
                // are taken over before anything can fail, so that none is lost.
                #(let #names = unsafe { #types::from_abi(#names) };)*
                let __method = move |__this: &__T| {
                    ::core::result::Result::Ok(#result::into_abi(
                        <__T as #ident>::#function(__this, #(#names?),*),
                    ))
                };
                // SAFETY: the object is one of `__T`, whose vtable holds this function.
                unsafe { ::plugwright_plugin::__private::call::<__T, _>(__object, __method) }
            }
        }
    }
}
