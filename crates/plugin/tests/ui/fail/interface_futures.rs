use std::rc::Rc;

use plugwright_plugin::{PluginFuture, interface};

#[interface(id = "org.example.a", version = "1.0")]
trait Fetch {
    fn fetch(&self, key: &str) -> PluginFuture<'_, u32>;
    fn own(&self) -> PluginFuture<'_, u32>;
}

struct Lends;

impl Fetch for Lends {
    // What is lent for the call is gone when the future runs.
    fn fetch(&self, key: &str) -> PluginFuture<'_, u32> {
        PluginFuture::new(async move { key.len() as u32 })
    }

    // It may leave its thread.
    fn own(&self) -> PluginFuture<'_, u32> {
        let counted = Rc::new(5);
        PluginFuture::new(async move { *counted })
    }
}

fn main() {}
