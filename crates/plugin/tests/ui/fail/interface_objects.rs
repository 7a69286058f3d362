use std::sync::Arc;

use plugwright_plugin::interface;

trait Ordinary {}

struct Own;

#[interface(id = "org.example.sent", version = "1.0")]
trait Sent: Send {
    fn call(&self);
}

#[interface(id = "org.example.a", version = "1.0")]
trait Objects {
    fn shared_by_one_thread(&self, object: Arc<dyn Sent>);
    fn shared_value(&self, value: Arc<u32>);
    fn boxed(&self, object: Box<dyn Ordinary>);
    fn boxed_value(&self, value: Box<Own>);
    fn lent(&self, object: &dyn Ordinary);
}

fn main() {}
