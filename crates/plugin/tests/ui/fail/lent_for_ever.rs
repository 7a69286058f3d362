use std::borrow::Cow;

use plugwright_plugin::{PluginFuture, Portable, interface};

#[interface(id = "org.example.a", version = "1.0")]
trait Words: Send + Sync + 'static {
    fn keep(&self, words: &'static [String]) -> Option<&'static str>;
    fn later(&self) -> PluginFuture<'static, &'static str>;
    fn right(&self, other: Box<dyn Words + 'static>) -> PluginFuture<'static, u8>;
    #[encoded]
    fn encoded(&self, #[encoded] text: Cow<'static, str>) -> Cow<'static, str>;
}

#[derive(Portable)]
struct Record {
    words: &'static [String],
    #[encoded]
    right: Cow<'static, str>,
}

#[derive(Portable)]
struct Bounded<'a: 'static> {
    words: &'a [String],
}

#[derive(Portable)]
enum Generic<T>
where
    T: 'static,
{
    Words(T),
}

fn main() {}
