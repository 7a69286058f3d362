//! How an interface is called where no memory is shared: arguments and results as bytes.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Interface, Method};
use crate::lifetimes::with_static;
use crate::portable::as_portable;

impl Interface {
    /// The function that decodes a call and makes it.
    pub(super) fn dispatch(&self) -> TokenStream {
        let calls = self.calls_name();
        let methods = self.numbered().map(|(method, number)| {
            let number = Literal::u32_unsuffixed(number);
            let caller = method.caller();
            let arguments = method.params.iter().map(|param| {
                let ty = as_portable(&param.crossing.portable());
                param.crossing.take(quote! { #ty::decode(__input)? })
            });
            let called = quote! { #calls::#caller(__calls, #(#arguments),*) };
            let called = method.result.give_ok(called);
            quote! {
                #number => ::plugwright_plugin::__private::reply(#called, __out),
            }
        });
        quote! {
            unsafe fn dispatch(
                __calls: &mut Self::Calls,
                __method: u32,
                __input: &mut ::plugwright_plugin::__private::Decoder<'_>,
                __out: &mut ::plugwright_plugin::__private::Encoder<'_>,
            ) -> ::core::result::Result<(), ::plugwright_plugin::__private::Fault> {
                // SAFETY: what an argument borrows lives as long as this call.
                unsafe {
                    match __method {
                        #(#methods)*
                        _ => ::core::result::Result::Err(
                            ::plugwright_plugin::__private::no_such_method(__method),
                        ),
                    }
                }
            }
        }
    }

    /// The methods with their numbers: their places in the vtable, where the interfaces that
    /// are required and the constants stand in front of them.
    fn numbered(&self) -> impl Iterator<Item = (&Method, u32)> {
        let first = u32::try_from(self.first_method()).unwrap_or(u32::MAX);
        self.methods.iter().zip(first..)
    }

    /// The vtable whose functions encode and send.
    pub(super) fn proxies(&self) -> TokenStream {
        let ident = &self.item.ident;
        let vtable = self.vtable_name();
        let entries = self.entries(&TokenStream::new());
        let first_entries = self.first_entries(&quote! { ::plugwright_plugin::__private::Proxy });
        let functions = self.numbered().map(|(method, number)| {
            let number = Literal::u32_unsuffixed(number);
            let function = &method.name;
            let converted = self.converted(method);
            let names: Vec<_> = method.names().collect();
            let portables = method.portables();
            let result = method.static_result();
            let ty = with_static(&method.result.portable());
            let (params, take, taken) = (method.abi_params(), method.take(), method.taken());
            quote! {
                unsafe extern "C" fn #function(
                    __object: *const (),
                    #params
                ) -> ::plugwright_plugin::__private::Reply<#result::Abi> {
                    #take
                    // SAFETY: the object is a proxy, whose vtable holds this function.
                    unsafe {
                        ::plugwright_plugin::__private::send::<#ty, _>(
                            __object,
                            <dyn #ident as ::plugwright_plugin::Interface>::SHAPE,
                            #number,
                            #converted,
                            __take,
                            move |#taken, __out| {
                                #(#portables::encode(#names?, __out);)*
                                ::core::result::Result::Ok(())
                            },
                        )
                    }
                }
            }
        });
        quote! {
            // SAFETY: the functions take a proxy, and so does the head.
            unsafe impl ::plugwright_plugin::Provides<::plugwright_plugin::__private::Proxy>
                for dyn #ident
            {
                const VTABLE: &'static #vtable = {
                    #(#functions)*

                    &#vtable {
                        __head: ::plugwright_plugin::__private::vtable_head::<
                            ::plugwright_plugin::__private::Proxy, Self,
                        >(),
                        #first_entries
                        #entries
                    }
                };
            }
        }
    }
}
