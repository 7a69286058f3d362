use plugwright_plugin::{Portable, interface};

#[interface(id = "org.example.a", version = "1.0")]
trait Sent: Send + Sync {
    fn send(&self, event: Event);
}

#[derive(Portable)]
#[non_exhaustive]
enum Event {
    First(Box<dyn Sent>),
    #[unknown]
    Other,
    Later(Box<dyn Sent>),
}

fn main() {}
