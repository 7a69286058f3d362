//! How objects of an interface cross, in a `Box` and in an `Arc`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::TypeParamBound;

use super::{Interface, Receiver};
use crate::remarks::comment;

impl Interface {
    /// How objects of the interface cross, wrapped on the way out.
    pub(super) fn objects(&self) -> TokenStream {
        let ident = &self.item.ident;
        // A shared object that may be sent but not used by two threads at once cannot be
        // given away: the giver would keep a part of it on its own thread.
        let may_be_shared = self.requires("Send") == self.requires("Sync");
        let shared = (self.is_shareable() && may_be_shared).then(|| {
            let safety = comment("SAFETY: the trait requires both of Send and Sync, or neither.");
            quote! {
                #safety
                unsafe impl __private::Shared for dyn #ident {}
            }
        });
        let shareable = self.is_shareable().then(|| {
            let safety = comment("SAFETY: all methods take `&self`.");
            quote! {
                #safety
                unsafe impl __private::Shareable for dyn #ident {}
            }
        });
        let lent = self.is_shareable().then(|| self.lent());
        let safety =
            comment("SAFETY: an object crosses as itself, with its vtable and what keeps it.");
        let contract = comment("SAFETY: by this function's contract.");
        let read = comment("SAFETY: the object was read just now, and is used once.");
        quote! {
            #shareable

            #lent

            #safety
            unsafe impl __private::Boxed for dyn #ident {
                type Abi = __private::RawInterface;

                const SHAPE: &'static __private::Shape =
                    &__private::Shape::Interface(
                        __private::Holder::Box,
                        <Self as __private::Interface>::ID,
                        <Self as __private::Interface>::VERSION.major,
                    );

                fn into_abi(this: __private::Box<Self>) -> Self::Abi {
                    __private::give_box(this)
                }

                unsafe fn from_abi(
                    abi: Self::Abi,
                ) -> __private::Result<__private::Box<Self>, __private::Invalid> {
                    #contract
                    unsafe { __private::receive_box(abi) }
                }

                fn encode(
                    this: __private::Box<Self>,
                    out: &mut __private::Encoder<'_>,
                ) {
                    out.object::<Self>(__private::give_box(this));
                }

                unsafe fn decode(
                    input: &mut __private::Decoder<'_>,
                ) -> __private::Result<__private::Box<Self>, __private::Invalid> {
                    #read
                    unsafe { __private::receive_box(input.object::<Self>()?) }
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
        let safety =
            comment("SAFETY: an object crosses as itself, with its vtable and what keeps it.");
        let lifetime = comment(
            "SAFETY: only the lifetime changes: the object outlives the call, and who borrows it \
             for the call does not use it later.",
        );
        let contract = comment("SAFETY: by this function's contract.");
        quote! {
            #safety
            unsafe impl<'__a> __private::Lend for dyn #ident + '__a {
                type Abi = __private::RawInterface;

                const SHAPE: &'static __private::Shape =
                    &__private::Shape::Interface(
                        __private::Holder::Ref,
                        <dyn #ident as __private::Interface>::ID,
                        <dyn #ident as __private::Interface>::VERSION.major,
                    );

                fn lend(&self) -> Self::Abi {
                    let handle = #ident::__plugwright_handle(self);
                    let object = ::core::ptr::NonNull::from(self);
                    #lifetime
                    unsafe {
                        let object = ::core::mem::transmute::<
                            ::core::ptr::NonNull<Self>,
                            ::core::ptr::NonNull<dyn #ident>,
                        >(object);
                        __private::lend_object(object, handle)
                    }
                }

                unsafe fn borrow<'__b>(
                    abi: Self::Abi,
                ) -> __private::Result<&'__b Self, __private::Invalid>
                where
                    Self: '__b,
                {
                    #contract
                    let object = unsafe {
                        __private::borrow_object::<dyn #ident>(abi)
                    }?;
                    __private::Ok(object)
                }

                fn write(&self, out: &mut __private::Encoder<'_>) {
                    __private::refuse_lent(out);
                }

                unsafe fn read<'__b>(
                    _: &mut __private::Decoder<'_>,
                ) -> __private::Result<&'__b Self, __private::Invalid>
                where
                    Self: '__b,
                {
                    __private::Err(__private::LENT)
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
    pub(super) fn owned(&self) -> TokenStream {
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
            let pointer = quote! { __private::Box<dyn #ident> };
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
                Receiver::Owned => (quote! { self: __private::Box<Self> }, quote! { self.0 }),
            };
            let attributes = method.attributes();
            quote! {
                #attributes
                fn #function(#this, #params) -> #result {
                    <#target as #ident>::#function(#object, #(#arguments),*)
                }
            }
        });
        let comment = comment(
            "What is given away is an object of this side around a pointer: it does what that \
             points to does.",
        );
        quote! {
            #comment
            impl #generics #ident for __private::Owned<#pointer>
            where
                #pointers
                #bounds
            {
                #(#methods)*
            }
        }
    }
}
