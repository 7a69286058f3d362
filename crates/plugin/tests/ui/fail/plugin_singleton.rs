use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
pub trait OneThread: Send {
    fn nothing(&self);
}

#[plugin(id = "org.example.shared", provides(OneThread), singleton = true)]
#[derive(Default)]
struct Shared;

impl OneThread for Shared {
    fn nothing(&self) {}
}

#[plugin(id = "org.example.worded", provides(OneThread), singleton = "yes")]
#[derive(Default)]
struct Worded;

fn main() {}
