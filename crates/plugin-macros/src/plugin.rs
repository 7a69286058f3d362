//! `#[plugin]`: a type becomes a record in the binary and an entry function.

use plugwright_manifest::{Capability, MAX_TEXT};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Item, LitBool, LitInt, LitStr, Path, Token};

use crate::arguments::{Argument, Arguments, Mistakes, Slot, Value, check_id};
use crate::metadata::Metadata;
use crate::remarks::comment;

/// What the attribute says, checked.
struct Plugin {
    ident: Ident,
    id: LitStr,
    name: Option<LitStr>,
    provides: Vec<Provided>,
    metadata: Metadata,
    singleton: bool,
    unloadable: bool,
    capabilities: Vec<LitStr>,
}

struct Provided {
    interface: Path,
    keys: Vec<LitStr>,
    rank: i32,
    metadata: Metadata,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let parsed: Item = syn::parse2(item.clone())?;
    let arguments: Arguments = syn::parse2(arguments)?;
    let mut mistakes = Mistakes::default();
    let ident = match &parsed {
        Item::Struct(item) => Some((&item.ident, &item.generics)),
        Item::Enum(item) => Some((&item.ident, &item.generics)),
        _ => None,
    };
    let Some((ident, generics)) = ident else {
        let first = item.into_iter().next().map(|token| token.span());
        let first = first.unwrap_or_else(Span::call_site);
        return Err(Error::new(first, "a plugin is a struct or an enum"));
    };
    if !generics.params.is_empty() {
        mistakes.at(
            generics,
            "a plugin cannot be generic, since its host makes it and knows no types: name them",
        );
    }
    let (mut id, mut name) = (Slot::default(), Slot::default());
    let (mut metadata, mut unloadable) = (Slot::default(), Slot::default());
    let (mut singleton, mut capabilities) = (Slot::default(), Slot::default());
    let mut provides = Vec::new();
    for argument in &arguments.0 {
        let key = &argument.name;
        match key.to_string().as_str() {
            "id" => {
                let value = argument.text(&mut mistakes);
                id.fill(key, value, &mut mistakes);
            }
            "name" => {
                let value = argument.text(&mut mistakes);
                name.fill(key, value, &mut mistakes);
            }
            "metadata" => {
                let value = Metadata::read(argument, &mut mistakes);
                metadata.fill(key, value, &mut mistakes);
            }
            "singleton" => {
                let value = argument.value_as::<LitBool>("true", &mut mistakes);
                singleton.fill(key, value, &mut mistakes);
            }
            "unloadable" => {
                let value = argument.value_as::<LitBool>("true", &mut mistakes);
                unloadable.fill(key, value, &mut mistakes);
            }
            "capabilities" => {
                let value = read_capabilities(argument, &mut mistakes);
                capabilities.fill(key, value, &mut mistakes);
            }
            "provides" => provides.extend(provided(argument, &mut mistakes)),
            _ => mistakes.at(
                key,
                "unknown argument: `id`, `name`, `provides`, `metadata`, `capabilities`, \
                 `singleton` and `unloadable` are known",
            ),
        }
    }
    let id = id.needed("id", "\"org.example.name\"", &mut mistakes);
    if let Some(id) = &id {
        check_id(id, &mut mistakes);
    }
    if !arguments
        .0
        .iter()
        .any(|argument| argument.name == "provides")
    {
        mistakes.at(
            ident,
            "a plugin provides something: add `provides(Trait, keys = [\"…\"])`",
        );
    }
    let id = mistakes
        .into_result(id)?
        .unwrap_or_else(|| unreachable!("a missing id is a mistake, and mistakes were returned"));
    let expanded = Plugin {
        ident: ident.clone(),
        id,
        name: name.given(),
        provides,
        metadata: metadata.given().unwrap_or_default(),
        singleton: singleton.given().is_some_and(|literal| literal.value),
        unloadable: unloadable.given().is_some_and(|literal| literal.value),
        capabilities: capabilities.given().unwrap_or_default(),
    }
    .expand();
    Ok(quote! { #item #expanded })
}

/// Reads `provides(Trait, keys = […], rank = …, metadata = …)`.
fn provided(argument: &Argument, mistakes: &mut Mistakes) -> Option<Provided> {
    let tokens = match &argument.value {
        Value::List(tokens) if !tokens.is_empty() => tokens,
        _ => {
            mistakes.at(&argument.name, "expected `provides(Trait, keys = [\"…\"])`");
            return None;
        }
    };
    let read = |input: syn::parse::ParseStream<'_>| {
        let interface: Path = input.parse()?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok((interface, input.parse::<Arguments>()?))
    };
    let (interface, arguments) = match syn::parse::Parser::parse2(read, tokens.clone()) {
        Ok(read) => read,
        Err(error) => {
            mistakes.add(error);
            return None;
        }
    };
    let (mut keys, mut rank, mut metadata) = (Slot::default(), Slot::default(), Slot::default());
    for argument in &arguments.0 {
        let key = &argument.name;
        match key.to_string().as_str() {
            "keys" => {
                let value = read_keys(argument, mistakes);
                keys.fill(key, value, mistakes);
            }
            "rank" => {
                let value = read_rank(argument, mistakes);
                rank.fill(key, value, mistakes);
            }
            "metadata" => {
                let value = Metadata::read(argument, mistakes);
                metadata.fill(key, value, mistakes);
            }
            _ => mistakes.at(
                key,
                "unknown argument: `keys`, `rank` and `metadata` are known",
            ),
        }
    }
    Some(Provided {
        interface,
        keys: keys.given().unwrap_or_default(),
        rank: rank.given().unwrap_or_default(),
        metadata: metadata.given().unwrap_or_default(),
    })
}

fn read_keys(argument: &Argument, mistakes: &mut Mistakes) -> Option<Vec<LitStr>> {
    let form = "[\"…\"]";
    let array: syn::ExprArray = argument.value_as(form, mistakes)?;
    let mut keys: Vec<LitStr> = Vec::new();
    for element in array.elems {
        let Ok(key) = syn::parse2::<LitStr>(quote! { #element }) else {
            mistakes.at(element, "a key is a text");
            continue;
        };
        let text = key.value();
        if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
            mistakes.at(
                &key,
                format!("a key has 1 to {MAX_TEXT} bytes and no control characters"),
            );
        } else if keys.iter().any(|earlier| earlier.value() == text) {
            mistakes.at(&key, "this key is listed already");
        }
        keys.push(key);
    }
    Some(keys)
}

fn read_capabilities(argument: &Argument, mistakes: &mut Mistakes) -> Option<Vec<LitStr>> {
    let form = "[\"threads:2\"]";
    let array: syn::ExprArray = argument.value_as(form, mistakes)?;
    let mut capabilities = Vec::new();
    for element in array.elems {
        let Ok(text) = syn::parse2::<LitStr>(quote! { #element }) else {
            mistakes.at(element, "a capability is a text");
            continue;
        };
        match text.value().parse::<Capability>() {
            Ok(_) => capabilities.push(text),
            Err(error) => mistakes.at(&text, error),
        }
    }
    Some(capabilities)
}

fn read_rank(argument: &Argument, mistakes: &mut Mistakes) -> Option<i32> {
    let Value::Given(tokens) = &argument.value else {
        mistakes.at(&argument.name, "expected `rank = 10`");
        return None;
    };
    let read = |input: syn::parse::ParseStream<'_>| {
        let minus = input.parse::<Option<Token![-]>>()?;
        let digits: LitInt = input.parse()?;
        let sign = if minus.is_some() { "-" } else { "" };
        format!("{sign}{}", digits.base10_digits())
            .parse::<i32>()
            .map_err(|error| Error::new(digits.span(), error))
    };
    match syn::parse::Parser::parse2(read, tokens.clone()) {
        Ok(rank) => Some(rank),
        Err(_) => {
            mistakes.at(
                tokens,
                "a rank is a whole number of 32 bits, as in `rank = -10`",
            );
            None
        }
    }
}

/// How the compiler that runs this macro was told to link the crate.
///
/// A crate that is compiled as a `cdylib` only can never be embedded in another, one that
/// is compiled as a Rust library only always is: a reader that finds several records in one
/// file tells the file's own by that. There is no other way to learn it while the macro
/// runs; where the arguments say nothing (in an editor, say), so does the record.
fn linkage() -> Ident {
    let mut arguments = std::env::args();
    let (mut dynamic, mut rust) = (false, false);
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--crate-type") {
            Some("") => arguments.next().unwrap_or_default(),
            Some(rest) => rest.trim_start_matches('=').to_owned(),
            None => continue,
        };
        for kind in value.split(',') {
            match kind {
                "cdylib" => dynamic = true,
                "lib" | "rlib" | "dylib" => rust = true,
                _ => {}
            }
        }
    }
    format_ident!(
        "{}",
        match (dynamic, rust) {
            (true, false) => "Cdylib",
            (false, true) => "Rlib",
            (true, true) => "Both",
            (false, false) => "Unknown",
        }
    )
}

/// The entry function's symbol: readable, and different for different ids.
fn entry_symbol(id: &str) -> String {
    let readable: String = id
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect();
    // FNV-1a: ids that differ in a dot or a hyphen only must not meet.
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("plugwright_entry_{readable}_{hash:08x}")
}

/// A fact that cargo tells about the crate.
fn cargo(fact: &str) -> String {
    std::env::var(format!("CARGO_PKG_{fact}")).unwrap_or_default()
}

impl Plugin {
    fn expand(&self) -> TokenStream {
        let ident = &self.ident;
        let id = &self.id;
        let entry = entry_symbol(&id.value());
        let version = cargo("VERSION");
        let crate_name = std::env::var("CARGO_CRATE_NAME").unwrap_or_default();
        let linkage = linkage();
        let name = self.name.as_ref().map(LitStr::value).unwrap_or_default();
        let [description, license, authors, homepage] =
            ["DESCRIPTION", "LICENSE", "AUTHORS", "HOMEPAGE"].map(cargo);
        let metadata = self.metadata.literal();
        let (singleton, unloadable) = (self.singleton, self.unloadable);
        let capabilities = &self.capabilities;
        let shared = self.shared();
        // Mistakes about how the type is made are shown at the type.
        let life = quote_spanned! { ident.span()=> __private::Choose::<#ident>::LIFE };
        // Cargo compiles anew where the other facts change, and not for this one by itself.
        let licence = quote! {
            const _: ::core::option::Option<&str> = ::core::option_env!("CARGO_PKG_LICENSE");
        };
        let dependencies = self
            .provides
            .iter()
            .map(|provided| &provided.metadata)
            .chain([&self.metadata])
            .filter_map(Metadata::dependency);
        let definitions = self.provides.iter().map(Provided::definition);
        let tables = self.provides.iter().map(|provided| provided.table(ident));
        let count = self.provides.len();
        let count32 = Literal::u32_suffixed(u32::try_from(count).unwrap_or(u32::MAX));
        let chosen = comment(
            "The constant is one of the type itself, if it is a `Plugin`, or of this trait.",
        );
        let record =
            comment("The plugin's record, which the compiler writes into the library's notes.");
        let table = comment("What the host finds through the entry function.");
        let created = comment(
            "SAFETY: the host's arguments live during the call, and the table's entries are for this \
             type.",
        );
        let entered = comment("SAFETY: the host hands out its own table.");
        let linked = comment("SAFETY: record and entry are those of this very type.");
        quote! {
            const _: () = {
                use ::plugwright_plugin::__private;

                #(#dependencies)*
                #licence
                #shared

                static LIFE: __private::Life<#ident> = {
                    #chosen
                    use __private::Simple as _;
                    #life
                };

                #record
                const DEFINITION: __private::RecordDef = __private::RecordDef {
                    entry: #entry,
                    id: #id,
                    version: #version,
                    crate_name: #crate_name,
                    linkage: __private::Linkage::#linkage,
                    provides: &[#(#definitions),*],
                    singleton: #singleton,
                    configurable: LIFE.configurable,
                    capabilities: &[#(#capabilities),*],
                    build: __private::BuildDef {
                        panic_abort: ::core::cfg!(panic = "abort"),
                        unloadable: #unloadable,
                        ..__private::BUILD
                    },
                    name: #name,
                    description: #description,
                    license: #license,
                    authors: #authors,
                    homepage: #homepage,
                    metadata: #metadata,
                };
                const SUMMARY: usize = __private::summary_note_size(&DEFINITION);
                const DETAIL: usize = __private::detail_note_size(&DEFINITION);

                #[used]
                #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__TEXT,__plugwright"))]
                #[cfg_attr(windows, unsafe(link_section = ".plugwrt"))]
                #[cfg_attr(
                    not(any(target_vendor = "apple", windows)),
                    unsafe(link_section = ".note.plugwright")
                )]
                static NOTES: __private::Notes<SUMMARY, DETAIL> = __private::notes(&DEFINITION);

                #table
                static PROVIDES: [__private::ProvidedTable; #count] = [#(#tables),*];

                static TABLE: __private::PluginTable = __private::PluginTable {
                    size: ::core::mem::size_of::<__private::PluginTable>(),
                    abi: __private::ABI,
                    provided: #count32,
                    provides: PROVIDES.as_ptr(),
                    id: __private::RawSlice::of(#id),
                    version: __private::RawSlice::of(#version),
                    create: ::core::option::Option::Some(create),
                    start: ::core::option::Option::Some(__private::start::<#ident>),
                    stop: ::core::option::Option::Some(__private::stop::<#ident>),
                };

                unsafe extern "C" fn create(
                    arguments: *const __private::CreateArguments,
                ) -> __private::Reply<__private::RawObject> {
                    #created
                    unsafe { __private::create(arguments, &PROVIDES[0], DEFINITION.id, &LIFE) }
                }

                #[unsafe(export_name = #entry)]
                unsafe extern "C" fn entry(
                    host: *const __private::HostTable,
                ) -> *const __private::PluginTable {
                    #entered
                    unsafe { __private::enter(host, &TABLE, DEFINITION.id) }
                }

                impl __private::Linkable for #ident {
                    #linked
                    const LINKED: __private::LinkedPlugin = unsafe {
                        __private::LinkedPlugin::new(NOTES.summary(), NOTES.detail(), entry)
                    };
                }
            };
        }
    }
}

impl Plugin {
    /// What a singleton has to be: it is asked for on any thread.
    fn shared(&self) -> TokenStream {
        if !self.singleton {
            return TokenStream::new();
        }
        let checks = self.provides.iter().map(|provided| {
            let object = provided.object();
            let span = provided.interface.span();
            quote_spanned! { span=> const _: () = __private::shared::<#object>(); }
        });
        quote! { #(#checks)* }
    }
}

impl Provided {
    /// `dyn Trait`, all of it at the place where the trait is named: mistakes are shown there.
    fn object(&self) -> TokenStream {
        let interface = &self.interface;
        quote_spanned! { interface.span()=> dyn #interface }
    }

    /// The interface in the record.
    fn definition(&self) -> TokenStream {
        let Self {
            keys,
            rank,
            metadata,
            ..
        } = self;
        let object = self.object();
        let keys: Punctuated<&LitStr, Token![,]> = keys.iter().collect();
        let metadata = metadata.literal();
        quote! {
            __private::ProvidedDef {
                interface: <#object as __private::Interface>::SHAPE,
                keys: &[#keys],
                rank: #rank,
                metadata: #metadata,
            }
        }
    }

    /// The interface in the table that the entry function returns.
    fn table(&self, ident: &Ident) -> TokenStream {
        let object = self.object();
        quote! {
            __private::ProvidedTable {
                interface: <#object as __private::Interface>::TABLE,
                vtable: __private::vtable::<#ident, #object>(),
            }
        }
    }
}
