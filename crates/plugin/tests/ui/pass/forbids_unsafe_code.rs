//! A crate without unsafe code can be a plugin: what the macros write is theirs to answer for.

#![forbid(unsafe_code)]
#![deny(warnings, unused_qualifications)]

use plugwright_plugin::{Portable, interface, plugin};

#[interface(id = "org.example.greeter", version = "1.0")]
pub trait Greeter: Send + Sync {
    fn greet(&self, person: Person) -> Result<String, Refusal>;
}

#[derive(Portable)]
pub struct Person {
    pub name: String,
    pub age: Option<u8>,
}

#[derive(Portable)]
pub enum Refusal {
    Unwilling,
    Busy { minutes: u32 },
}

#[plugin(id = "org.example.hello", provides(Greeter, keys = ["en"]))]
#[derive(Default)]
pub struct Hello;

impl Greeter for Hello {
    fn greet(&self, person: Person) -> Result<String, Refusal> {
        match person.age {
            Some(0) => Err(Refusal::Unwilling),
            Some(minutes) => Err(Refusal::Busy { minutes: minutes.into() }),
            None => Ok(format!("Hello, {}!", person.name)),
        }
    }
}

fn main() {}
