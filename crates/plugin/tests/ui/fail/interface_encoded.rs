use plugwright_plugin::{PluginFuture, interface};

struct Unknown;

#[interface(id = "org.example.a", version = "1.0")]
trait Encodes {
    fn lent(&self, #[encoded] text: &str);
    #[encoded = "json"]
    fn text(&self) -> String;
    #[encoded]
    fn later(&self) -> PluginFuture<'_, String>;
}

#[interface(id = "org.example.b", version = "1.0")]
trait Unencodable {
    fn unknown(&self, #[encoded] value: Unknown);
}

fn main() {}
