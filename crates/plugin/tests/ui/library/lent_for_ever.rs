use plugwright_plugin::{PluginFuture, Portable, interface};

type Words = &'static [String];

#[interface(id = "org.example.a", version = "1.0")]
trait Whole: Send + Sync {
    fn keep(&self, words: Words);
}

#[interface(id = "org.example.b", version = "1.0")]
trait Parts: Send + Sync {
    fn keep(&self, text: &str, both: (&str, Option<Words>));
}

#[derive(Portable)]
struct Text<'a> {
    text: &'a str,
}

#[interface(id = "org.example.c", version = "1.0")]
trait Unwritten: Send + Sync {
    fn keep(&self, text: Text);
}

#[interface(id = "org.example.d", version = "1.0")]
trait Later: Send + Sync {
    fn later(&self) -> PluginFuture<'static, Words>;
}

#[derive(Portable)]
struct Fields<'a, T> {
    text: &'a str,
    generic: Option<T>,
    words: Words,
}

#[interface(id = "org.example.e", version = "1.0")]
trait Inside: Send + Sync {
    fn keep(&self, fields: Fields<'_, u8>);
}

fn main() {}
