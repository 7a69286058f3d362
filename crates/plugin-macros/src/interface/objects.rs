//! How objects of an interface cross, in a `Box` and in an `Arc`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::TypeParamBound;

use super::{Interface, Receiver};

impl Interface {
    /// How objects of the interface cross, wrapped on the way out.
    pub(super) fn objects(&self) -> TokenStream {
        let ident = &self.item.ident;
        let owned = self.owned();
        // A shared object that may be sent but not used by two threads at once cannot be
        // given away: the giver would keep a part of it on its own thread.
        let may_be_shared = self.requires("Send") == self.requires("Sync");
        let shared = (self.is_shareable() && may_be_shared).then(|| {
            quote! {
                // SAFETY: the trait requires both of Send and Sync, or neither.
                unsafe impl ::plugwright_plugin::__private::Shared for dyn #ident {}
            }
        });
        let shareable = self.is_shareable().then(|| {
            quote! {
                // SAFETY: all methods take `&self`.
                unsafe impl ::plugwright_plugin::Shareable for dyn #ident {}
            }
        });
        let lent = self.is_shareable().then(|| self.lent());
        quote! {
            #owned

            #shareable

            #lent

            // SAFETY: an object crosses as itself with its vtable and what keeps it.
            unsafe impl ::plugwright_plugin::__private::Boxed for dyn #ident {
                type Abi = ::plugwright_plugin::__private::RawInterface;

                const SHAPE: &'static ::plugwright_plugin::__private::Shape =
                    &::plugwright_plugin::__private::Shape::Interface(
                        ::plugwright_plugin::__private::Holder::Box,
                        <Self as ::plugwright_plugin::Interface>::ID,
                        <Self as ::plugwright_plugin::Interface>::VERSION.major,
                    );

                fn into_abi(this: ::std::boxed::Box<Self>) -> Self::Abi {
                    ::plugwright_plugin::__private::give_box(this)
                }

                unsafe fn from_abi(
                    abi: Self::Abi,
                ) -> ::core::result::Result<::std::boxed::Box<Self>, ::plugwright_plugin::Invalid> {
                    // SAFETY: by this function's contract.
                    unsafe { ::plugwright_plugin::__private::receive_box(abi) }
                }

                fn encode(
                    this: ::std::boxed::Box<Self>,
                    out: &mut ::plugwright_plugin::__private::Encoder<'_>,
                ) {
                    out.object::<Self>(::plugwright_plugin::__private::give_box(this));
                }

                unsafe fn decode(
                    input: &mut ::plugwright_plugin::__private::Decoder<'_>,
                ) -> ::core::result::Result<::std::boxed::Box<Self>, ::plugwright_plugin::Invalid> {
                    // SAFETY: the object was read just now, and is used once.
                    unsafe { ::plugwright_plugin::__private::receive_box(input.object::<Self>()?) }
                }
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

    /// How a reference to an object crosses.
    fn lent(&self) -> TokenStream {
        let ident = &self.item.ident;
        quote! {
            // SAFETY: an object crosses as itself with its vtable and what keeps it.
            unsafe impl<'__a> ::plugwright_plugin::Lend for dyn #ident + '__a {
                type Abi = ::plugwright_plugin::__private::RawInterface;

                const SHAPE: &'static ::plugwright_plugin::__private::Shape =
                    &::plugwright_plugin::__private::Shape::Interface(
                        ::plugwright_plugin::__private::Holder::Ref,
                        <dyn #ident as ::plugwright_plugin::Interface>::ID,
                        <dyn #ident as ::plugwright_plugin::Interface>::VERSION.major,
                    );

                fn lend(&self) -> Self::Abi {
                    let handle = #ident::__plugwright_handle(self);
                    let object = ::core::ptr::NonNull::from(self);
                    // SAFETY: only the lifetime changes: the object outlives the call, and
                    // who borrows it for the call does not use it later.
                    unsafe {
                        let object = ::core::mem::transmute::<
                            ::core::ptr::NonNull<Self>,
                            ::core::ptr::NonNull<dyn #ident>,
                        >(object);
                        ::plugwright_plugin::__private::lend_object(object, handle)
                    }
                }

                unsafe fn borrow<'__b>(
                    abi: Self::Abi,
                ) -> ::core::result::Result<&'__b Self, ::plugwright_plugin::Invalid>
                where
                    Self: '__b,
                {
                    // SAFETY: by this function's contract.
                    let object = unsafe {
                        ::plugwright_plugin::__private::borrow_object::<dyn #ident>(abi)
                    }?;
                    ::core::result::Result::Ok(object)
                }

                fn write(&self, out: &mut ::plugwright_plugin::__private::Encoder<'_>) {
                    ::plugwright_plugin::__private::refuse_lent(out);
                }

                unsafe fn read<'__b>(
                    _: &mut ::plugwright_plugin::__private::Decoder<'_>,
                ) -> ::core::result::Result<&'__b Self, ::plugwright_plugin::Invalid>
                where
                    Self: '__b,
                {
                    ::core::result::Result::Err(::plugwright_plugin::__private::LENT)
                }
            }
        }
    }

    /// Whether all methods take `&self`. Those that were added later change nothing.
    fn is_shareable(&self) -> bool {
        let mut methods = self.methods.iter();
        methods.all(|method| method.receiver == Receiver::Shared)
    }

    /// The trait for what is given away: each method is that of the object pointed to. What is
    /// not shared is given away in a box only.
    fn owned(&self) -> TokenStream {
        let ident = &self.item.ident;
        let bounds = &self.item.supertraits;
        let bounds = (!bounds.is_empty()).then(|| quote! { Self: #bounds, });
        let (generics, pointer, target, pointers) = if self.is_shareable() {
            (
                quote! { <__P> },
                quote! { __P },
                quote! { __P::Target },
                Some(quote! { __P: ::core::ops::Deref<Target: #ident>, }),
            )
        } else {
            let pointer = quote! { ::std::boxed::Box<dyn #ident> };
            (TokenStream::new(), pointer, quote! { dyn #ident }, None)
        };
        let methods = self.methods.iter().map(|method| {
            let function = &method.name;
            let params = method.declarations();
            let arguments = method.names();
            let result = &method.result.ty;
            let (this, object) = match method.receiver {
                Receiver::Shared => (quote! { &self }, quote! { &*self.0 }),
                Receiver::Exclusive => (quote! { &mut self }, quote! { &mut *self.0 }),
                Receiver::Owned => (quote! { self: ::std::boxed::Box<Self> }, quote! { self.0 }),
            };
            quote! {
                fn #function(#this, #params) -> #result {
                    <#target as #ident>::#function(#object, #(#arguments),*)
                }
            }
        });
        quote! {
            impl #generics #ident for ::plugwright_plugin::__private::Owned<#pointer>
            where
                #pointers
                #bounds
            {
                #(#methods)*
            }
        }
    }
}
