//! How an interface is called where no memory is shared: arguments and results as bytes.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{Interface, Method};
use crate::lifetimes::with_static;
use crate::portable::as_portable;
use crate::remarks::comment;

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
                #number => __private::reply(#called, __out),
            }
        });
        let safety = comment("SAFETY: what an argument borrows lives as long as this call.");
        quote! {
            unsafe fn dispatch(
                __calls: &mut Self::Calls,
                __method: u32,
                __input: &mut __private::Decoder<'_>,
                __out: &mut __private::Encoder<'_>,
            ) -> __private::Result<(), __private::Fault> {
                #safety
                unsafe {
                    match __method {
                        #(#methods)*
                        _ => __private::Err(
                            __private::no_such_method(__method),
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
        let entries = self.entries(&TokenStream::new());
        let first_entries = self.first_entries(&quote! { __private::Proxy });
        let lent = comment(
            "SAFETY: the object is a proxy, whose vtable holds this function; each argument was given \
             away as what its type crosses as, and what it borrows is lent for the call.",
        );
        let functions = self.numbered().map(|(method, number)| {
            let number = Literal::u32_unsuffixed(number);
            let function = &method.name;
            let converted = self.converted(method);
            let (names, portables) = (method.names(), method.portables());
            let result = method.static_result();
            let ty = with_static(&method.result.portable());
            let (params, take) = (method.abi_params(), method.take());
            let changes = (!method.params.is_empty()).then(|| quote! { mut });
            quote! {
                unsafe extern "C" fn #function(
                    __object: *const (),
                    #params
                ) -> __private::Reply<#result::Abi> {
                    #lent
                    unsafe {
                        __private::call(
                            __object,
                            #converted,
                            move |__object: __private::Object<
                                '_, __private::Proxy,
                            >| {
                                #take
                                let #changes __message = __object.shared()?.message::<#ty>(
                                    <dyn #ident as __private::Interface>::SHAPE,
                                    #number,
                                )?;
                                #(#portables::encode(#names?, __message.arguments());)*
                                __message.send::<#ty>()
                            },
                        )
                    }
                }
            }
        });
        let comment = comment(
            "Over a connection: the same table, whose functions write the arguments as bytes, send \
             them, and read the result. SAFETY: they take a proxy, and so does the head.",
        );
        quote! {
            #comment
            unsafe impl __private::Provides<__private::Proxy> for dyn #ident {
                const VTABLE: &'static __Vtable = {
                    #(#functions)*

                    &__Vtable {
                        __head: __private::vtable_head::<
                            __private::Proxy, Self,
                        >(),
                        #first_entries
                        #entries
                    }
                };
            }
        }
    }
}
