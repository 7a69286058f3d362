//! How objects of an interface cross, in a `Box` and in an `Arc`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::TypeParamBound;

use super::Interface;

impl Interface {
    /// How objects of the interface cross, wrapped on the way out.
    pub(super) fn objects(&self) -> TokenStream {
        let ident = &self.item.ident;
        let boxed = self.boxed();
        // A shared object that may be sent but not used by two threads at once cannot be
        // given away: the giver would keep a part of it on its own thread.
        let shared = (self.requires("Send") == self.requires("Sync")).then(|| self.shared());
        let forward_box = self.forward("OwnedBox");
        let forward_arc = shared.as_ref().map(|_| self.forward("OwnedArc"));
        quote! {
            #forward_box
            #forward_arc

            // SAFETY: an object crosses as itself with its vtable and what keeps it.
            unsafe impl ::plugwright_plugin::__private::Boxed for dyn #ident {
                #boxed
            }

            #shared
        }
    }

    /// Whether the trait requires this marker trait.
    fn requires(&self, marker: &str) -> bool {
        self.item.supertraits.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => bound
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == marker),
            _ => false,
        })
    }

    /// The trait for a wrapper: each method is the wrapped object's.
    fn forward(&self, wrapper: &str) -> TokenStream {
        let ident = &self.item.ident;
        let wrapper = format_ident!("{}", wrapper);
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let params = method.declarations();
            let arguments = method.params.iter().map(|param| &param.name);
            let result = &method.result;
            quote! {
                fn #function(&self, #params) -> #result {
                    <dyn #ident as #ident>::#function(&*self.0, #(#arguments),*)
                }
            }
        });
        quote! {
            impl #ident for ::plugwright_plugin::__private::#wrapper<dyn #ident> {
                #(#methods)*
            }
        }
    }

    /// The shape of an object of the interface in a `Box` or an `Arc`.
    fn object_shape(&self, holder: &str) -> TokenStream {
        let ident = &self.item.ident;
        let holder = format_ident!("{}", holder);
        quote! {
            const SHAPE: &'static ::plugwright_plugin::__private::Shape =
                &::plugwright_plugin::__private::Shape::Interface(
                    ::plugwright_plugin::__private::Holder::#holder,
                    <dyn #ident as ::plugwright_plugin::Interface>::ID,
                    <dyn #ident as ::plugwright_plugin::Interface>::VERSION.major,
                );
        }
    }

    fn boxed(&self) -> TokenStream {
        let ident = &self.item.ident;
        let shape = self.object_shape("Box");
        quote! {
            type Abi = ::plugwright_plugin::__private::RawInterface;

            #shape

            fn into_abi(
                this: ::std::boxed::Box<Self>,
            ) -> ::plugwright_plugin::__private::RawInterface {
                match this.__plugwright_handle() {
                    ::core::option::Option::Some(handle) => {
                        ::plugwright_plugin::__private::pass_on(handle)
                    }
                    ::core::option::Option::None => {
                        ::plugwright_plugin::__private::give_box::<dyn #ident>(this)
                    }
                }
            }

            unsafe fn from_abi(
                abi: ::plugwright_plugin::__private::RawInterface,
            ) -> ::core::result::Result<::std::boxed::Box<Self>, ::plugwright_plugin::Invalid> {
                // SAFETY: by this function's contract.
                let handle = unsafe { ::plugwright_plugin::__private::receive::<dyn #ident>(abi) }?;
                ::core::result::Result::Ok(::std::boxed::Box::new(handle))
            }
        }
    }

    fn shared(&self) -> TokenStream {
        let ident = &self.item.ident;
        let shape = self.object_shape("Arc");
        quote! {
            // SAFETY: an object crosses as itself with its vtable and what keeps it.
            unsafe impl ::plugwright_plugin::__private::Shared for dyn #ident {
                #shape

                fn into_abi(
                    this: ::std::sync::Arc<Self>,
                ) -> ::plugwright_plugin::__private::RawInterface {
                    match this.__plugwright_handle() {
                        ::core::option::Option::Some(handle) => {
                            ::plugwright_plugin::__private::pass_on(handle)
                        }
                        ::core::option::Option::None => {
                            ::plugwright_plugin::__private::give_arc::<dyn #ident>(this)
                        }
                    }
                }

                unsafe fn from_abi(
                    abi: ::plugwright_plugin::__private::RawInterface,
                ) -> ::core::result::Result<::std::sync::Arc<Self>, ::plugwright_plugin::Invalid> {
                    // SAFETY: by this function's contract.
                    let received =
                        unsafe { ::plugwright_plugin::__private::receive_arc::<dyn #ident>(abi) }?;
                    ::core::result::Result::Ok(match received {
                        ::plugwright_plugin::__private::Received::Home(object) => object,
                        ::plugwright_plugin::__private::Received::Foreign(handle) => {
                            ::std::sync::Arc::new(handle)
                        }
                    })
                }
            }
        }
    }
}
