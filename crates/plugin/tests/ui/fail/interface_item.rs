use plugwright_plugin::interface;

#[interface(id = "org.example.a", version = "1.0")]
struct NotATrait;

#[interface(id = "org.example.a", version = "1.0")]
unsafe trait Everything<T>: Send + Clone + 'static {
    const LIMIT: u32;
    type Item;
    macro_of_items!();
    fn fine(&self, item: u8) -> u8;
}

#[interface(id = "org.example.a", version = "1.0")]
trait Borrowing<'a>: ?Sized {
    fn fine(&self);
}

fn main() {}
