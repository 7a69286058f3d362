//! The vtable of an interface, the shims that it points to on the plugin's side, and the
//! traits that tie everything together.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;
use syn::ext::IdentExt;

use super::{Interface, Method, Param, Receiver};
use crate::lifetimes::{shape, with_static};
use crate::portable::as_portable;
use crate::remarks::comment;

impl Interface {
    /// The `repr(C)` table of functions.
    pub(super) fn vtable(&self) -> TokenStream {
        let fields = self.methods.iter().map(|method| {
            let field = &method.name;
            let params = method.statics();
            let result = method.static_result();
            let function = quote! {
                unsafe extern "C" fn(
                    *const (),
                    #(#params::Abi,)*
                ) -> __private::Reply<#result::Abi>
            };
            if method.since == 0 {
                quote! { #field: #function, }
            } else {
                quote! { #field: __private::Option<#function>, }
            }
        });
        let (supers, super_fields) = (&self.supers, self.super_fields());
        let constants = self.constant_fields();
        let comment = comment(
            "The table of functions that crosses, as its head, its length and its fingerprints say \
             it is.",
        );
        quote! {
            #comment
            #[repr(C)]
            pub struct __Vtable {
                __head: __private::VtableHead,
                #(#super_fields: *const <dyn #supers as __private::Interface>::Vtable,)*
                #(#constants: *const u64,)*
                #(#fields)*
            }
        }
    }

    /// The functions of the vtable on the plugin's side, for objects of any type.
    pub(super) fn shims(&self) -> TokenStream {
        let comment = comment(
            "The plugin's side: a function for each method, on objects of `__T`. The SDK runs it \
             behind the panic boundary. It takes all arguments over before it looks at any, so that \
             none is lost, and takes the object last.",
        );
        let shims = self.methods.iter().map(|method| self.shim(method));
        quote! {
            #comment
            #(#shims)*
        }
    }

    /// The vtable on the plugin's side.
    pub(super) fn provided(&self) -> TokenStream {
        let ident = &self.item.ident;
        let entries = self.entries(&quote! { ::<__T> });
        let first = self.first_entries(&quote! { __T });
        let safety =
            comment("SAFETY: the functions take an object of `__T`, and so does the head.");
        quote! {
            #safety
            unsafe impl<__T: #ident + 'static> __private::Provides<__T> for dyn #ident {
                const VTABLE: &'static __Vtable = &__Vtable {
                    __head: __private::vtable_head::<__T, Self>(),
                    #first
                    #entries
                };
            }
        }
    }

    /// What the interface is, for comparison and for calls by number.
    pub(super) fn interface(&self) -> TokenStream {
        let ident = &self.item.ident;
        let calls = self.calls_name();
        let id = &self.id;
        let (major, minor) = (self.version.major, self.version.minor);
        let count = self.first_method() + self.methods.len();
        let supers = &self.supers;
        let required = supers.iter().map(required);
        let shapes = required
            .chain(self.constant_shapes())
            .chain(self.methods.iter().map(Method::shape));
        let futures = self.methods.iter().filter(|method| method.future.is_some());
        let futures = futures.count();
        let dispatch = self.dispatch();
        let comment = comment(
            "What the interface is: its shape, from which the compiler makes the fingerprints that \
             both sides compare before they call each other, and whether values are made for a call \
             which its arguments borrow.",
        );
        let safety = crate::remarks::comment(
            "SAFETY: the vtable is repr(C), begins with its head and has the methods of the shape in \
             order; the calls are transparent over the raw handle.",
        );
        quote! {
            #comment
            static __FINGERPRINTS: [u64; #count] =
                <dyn #ident as __private::Interface>::SHAPE.fingerprints();

            static __TABLE: __private::InterfaceTable =
                __private::InterfaceTable {
                    id: __private::RawSlice::of(#id),
                    major: #major,
                    minor: #minor,
                    bounds: <dyn #ident as __private::Interface>::SHAPE.bounds.code(),
                    methods: __private::count(#count),
                    fingerprints: __FINGERPRINTS.as_ptr(),
                };

            const __CONVERTED: [bool; #count] =
                <dyn #ident as __private::Interface>::SHAPE.converted();

            #safety
            unsafe impl __private::Interface for dyn #ident {
                const ID: &'static str = #id;
                const VERSION: __private::InterfaceVersion =
                    __private::InterfaceVersion::new(#major, #minor);
                const SHAPE: &'static __private::InterfaceShape =
                    &__private::InterfaceShape {
                        id: <Self as __private::Interface>::ID,
                        version: <Self as __private::Interface>::VERSION,
                        bounds: {
                            use __private::{Bounds, OneThread, Threads};
                            Bounds {
                                send: Threads::<Self>::SEND || <Threads<Self> as OneThread>::SEND,
                                sync: Threads::<Self>::SYNC || <Threads<Self> as OneThread>::SYNC,
                            }
                        },
                        methods: const { &[#(#shapes),*] },
                        requires: &[#(<dyn #supers as __private::Interface>::SHAPE),*],
                    }
                    .checked(#futures);
                const TABLE: &'static __private::InterfaceTable = &__TABLE;
                const SUPERS: &'static [__private::Fit] =
                    &[#(__private::fit_super::<dyn #supers>),*];
                type Vtable = __Vtable;
                type Calls = #calls;

                fn as_handle(&self) -> __private::Option<&__private::Handle<Self>> {
                    #ident::__plugwright_handle(self)
                }

                fn boxed(handle: __private::Handle<Self>) -> __private::Box<Self> {
                    __private::Box::new(handle)
                }

                #dispatch
            }
        }
    }

    /// Whether values are made for a call, which its arguments borrow.
    pub(super) fn converted(&self, method: &Method) -> TokenStream {
        if method.params.is_empty() {
            return quote! { false };
        }
        let same = |other: &Method| other.name == method.name;
        let index = self.methods.iter().position(same).unwrap_or_default() + self.first_method();
        let index = Literal::usize_unsuffixed(index);
        quote! { __CONVERTED[#index] }
    }

    /// The vtable's entries in front of the methods: for the interfaces that are required, on
    /// objects of `class`, and for the constants.
    pub(super) fn first_entries(&self, class: &TokenStream) -> TokenStream {
        let (supers, fields) = (&self.supers, self.super_fields());
        let constants = self.constant_fields();
        let places = self.supers.len()..;
        quote! {
            #(#fields: <dyn #supers as __private::Provides<#class>>::VTABLE,)*
            #(#constants: __private::constants::entry(
                &<Self as __private::Interface>::SHAPE.methods[#places],
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
                quote! { #name: __private::Some(#name #generics), }
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
            .map(|Param { name, crossing }| crossing.take(name.to_token_stream()));
        let result = method.static_result();
        let give = as_portable(&method.result.portable());
        let (params, take, checked) = (method.abi_params(), method.take(), method.names());
        let checked: Vec<_> = checked.collect();
        let converted = self.converted(method);
        let this = match method.receiver {
            Receiver::Exclusive => quote! { &mut __this },
            _ => quote! { __this },
        };
        let called = quote! { <__T as #ident>::#function(#this, #(#names),*) };
        let (exclusively, poisons) = (method.receiver == Receiver::Exclusive, self.poisons);
        let called = match &method.future {
            Some(future) if future.borrows => quote! {
                __private::of_object::<__T, _>(
                    __at, #exclusively, #poisons, #called,
                )
            },
            _ => method.result.give(called),
        };
        let taken = match method.receiver {
            Receiver::Shared => quote! { let __this = __object.shared()?; },
            Receiver::Exclusive => quote! { let mut __this = __object.exclusive()?; },
            Receiver::Owned => quote! { let __this = __object.whole()?; },
        };
        let at = matches!(&method.future, Some(future) if future.borrows);
        let at = at.then(|| quote! { let __at = __object; });
        let safety = comment(if at.is_some() {
            "SAFETY: the object is one of `__T`, whose vtable holds this function; each argument was \
             given away as what its type crosses as; the future ends before the object does."
        } else {
            "SAFETY: the object is one of `__T`, whose vtable holds this function; each argument was \
             given away as what its type crosses as."
        });
        let mut body = quote! {
            #take
            #(let #checked = #checked?;)*
            #taken
            __private::Ok(#give::into_abi(#called))
        };
        if !poisons {
            let comment =
                comment("A panic is a failure of this call, and leaves the object as it is.");
            body = quote! { #comment __private::surviving(move || { #body }) };
        }
        let attributes = method.attributes();
        quote! {
            #attributes
            unsafe extern "C" fn #function<__T: #ident + 'static>(
                __object: *const (),
                #params
            ) -> __private::Reply<#result::Abi> {
                #at
                #safety
                unsafe {
                    __private::call(
                        __object,
                        #converted,
                        move |__object: __private::Object<'_, __T>| { #body },
                    )
                }
            }
        }
    }
}

/// What stands in the shape for an interface that is required.
fn required(interface: &Path) -> TokenStream {
    quote! {
        __private::MethodShape::new(<dyn #interface as __private::Interface>::ID, __private::Receiver::Shared, &[], &__private::Shape::Interface(
                __private::Holder::Super,
                <dyn #interface as __private::Interface>::ID,
                <dyn #interface as __private::Interface>::VERSION.major,
            ), 0)
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

    /// Takes the arguments over: each was given away, as the Abi of its type. All are taken over
    /// before any is looked at, so that none is lost.
    pub(super) fn take(&self) -> TokenStream {
        let (names, types) = (self.names(), self.portables());
        quote! { #(let #names = #types::from_abi(#names);)* }
    }

    /// The method's shape: a constant expression.
    fn shape(&self) -> TokenStream {
        let name = self.name.unraw().to_string();
        let params = self.params.iter().map(|param| {
            let name = param.name.unraw().to_string();
            let ty = param.crossing.portable();
            let shape = shape(&ty, &with_static(&ty), &[]);
            quote! {
                __private::FieldShape {
                    name: #name,
                    shape: #shape,
                }
            }
        });
        let result = self.result.portable();
        let result = shape(&result, &with_static(&result), &[]);
        let since = self.since;
        let receiver = match self.receiver {
            Receiver::Shared => quote! { Shared },
            Receiver::Exclusive => quote! { Exclusive },
            Receiver::Owned => quote! { Owned },
        };
        quote! {
            __private::MethodShape::new(#name, __private::Receiver::#receiver, &[#(#params),*], #result, #since)
        }
    }
}
