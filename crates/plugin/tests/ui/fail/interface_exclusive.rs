use std::sync::Arc;

use plugwright_plugin::{Handle, interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
pub trait Alone: Send + Sync {
    fn change(&mut self);
}

#[interface(id = "org.example.b", version = "1.0")]
trait Holder {
    fn hold(&self, alone: Arc<dyn Alone>);
    fn lend(&self, alone: &dyn Alone);
}

#[interface(id = "org.example.c", version = "1.1")]
trait Growing {
    fn first(&self);
    #[since("1.1")]
    fn later(&mut self);
}

#[plugin(id = "org.example.shared", provides(Alone), singleton = true)]
#[derive(Default)]
struct Shared;

impl Alone for Shared {
    fn change(&mut self) {}
}

fn twice(alone: &Handle<dyn Alone>) -> Handle<dyn Alone> {
    alone.clone()
}

fn main() {}
