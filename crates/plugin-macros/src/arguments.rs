//! Reading the arguments of the attributes, with every mistake told at once.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Error, LitStr, Token};

/// Collects mistakes, so that one compilation shows all of them.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// A mistake on the tokens of `place`.
    pub(crate) fn at(&mut self, place: impl ToTokens, message: impl std::fmt::Display) {
        self.add(Error::new_spanned(place, message));
    }

    pub(crate) fn into_result<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}

/// One argument: `name = value`, where the value's form depends on the name, or
/// `name(arguments)`.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// What stands behind `=`, up to the next comma outside brackets.
    Given(TokenStream),
    /// What stands in parentheses.
    List(TokenStream),
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: Ident = input.parse().map_err(|error| {
            Error::new(error.span(), "expected an argument, as in `id = \"…\"`")
        })?;
        if input.peek(syn::token::Paren) {
            let list;
            syn::parenthesized!(list in input);
            return Ok(Self {
                name,
                value: Value::List(list.parse()?),
            });
        }
        input.parse::<Token![=]>()?;
        let mut given = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![,]) {
            given.extend([input.parse::<TokenTree>()?]);
        }
        if given.is_empty() {
            return Err(Error::new(name.span(), format!("`{name} =` has no value")));
        }
        Ok(Self {
            name,
            value: Value::Given(given),
        })
    }
}

impl Argument {
    /// The value read as a `T`, or a mistake that says what form the argument has.
    pub(crate) fn value_as<T: Parse>(&self, form: &str, mistakes: &mut Mistakes) -> Option<T> {
        match &self.value {
            Value::Given(tokens) => match syn::parse2(tokens.clone()) {
                Ok(value) => return Some(value),
                Err(_) => mistakes.at(tokens, format!("expected `{} = {form}`", self.name)),
            },
            Value::List(_) => {
                mistakes.at(&self.name, format!("expected `{} = {form}`", self.name));
            }
        }
        None
    }

    pub(crate) fn text(&self, mistakes: &mut Mistakes) -> Option<LitStr> {
        self.value_as("\"…\"", mistakes)
    }
}

/// A comma-separated list of arguments, the last comma optional.
pub(crate) struct Arguments(pub(crate) Vec<Argument>);

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let list = input.parse_terminated(Argument::parse, Token![,])?;
        Ok(Self(list.into_iter().collect()))
    }
}

/// The place of an argument that may be given once. What was given wrongly was given: it is
/// told as wrong, and not as missing too.
pub(crate) struct Slot<T> {
    is_given: bool,
    value: Option<T>,
}

// Not derived: a derived `Default` would ask `T` for one.
impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            is_given: false,
            value: None,
        }
    }
}

impl<T> Slot<T> {
    /// Puts an argument's value into its place, once.
    pub(crate) fn fill(&mut self, name: &Ident, value: Option<T>, mistakes: &mut Mistakes) {
        if self.is_given {
            mistakes.at(name, format!("`{name}` is given twice"));
        } else {
            self.value = value;
        }
        self.is_given = true;
    }

    /// The value of an argument that may be left out.
    pub(crate) fn given(self) -> Option<T> {
        self.value
    }

    /// The value of an argument that must be given, or a mistake at the attribute itself.
    pub(crate) fn needed(self, name: &str, form: &str, mistakes: &mut Mistakes) -> Option<T> {
        if !self.is_given {
            mistakes.add(Error::new(
                Span::call_site(),
                format!("missing `{name} = {form}`"),
            ));
        }
        self.value
    }
}

/// Checks a reverse-DNS name.
pub(crate) fn check_id(id: &LitStr, mistakes: &mut Mistakes) {
    if !plugwright_manifest::is_valid_id(&id.value()) {
        mistakes.at(
            id,
            "an id is a reverse-DNS name: lower-case labels of letters, digits and inner \
             hyphens, joined by dots, as in \"org.example.codec\"",
        );
    }
}
