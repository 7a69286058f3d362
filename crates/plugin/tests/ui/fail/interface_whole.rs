use plugwright_plugin::{PluginFuture, Portable, interface};

#[derive(Portable)]
struct Part<'a> {
    text: &'a str,
}

#[interface(id = "org.example.a", version = "1.0")]
trait Ends {
    fn end(self: Box<Self>, text: &str) -> &str;
    fn end_in_part(self: Box<Self>, text: &str) -> Option<Part<'_>>;
    fn end_later(self: Box<Self>, text: &str) -> PluginFuture<'_, u32>;
    fn right(self: Box<Self>, text: &str) -> PluginFuture<'static, String>;
}

fn main() {}
