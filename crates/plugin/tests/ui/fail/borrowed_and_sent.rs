use std::sync::Mutex;

use plugwright_plugin::{Handle, LocalPluginFuture, interface};

#[interface(id = "org.example.a", version = "1.0")]
trait Pages: Send + Sync {
    fn name(&self) -> &str;
    fn keep(&self, text: &str, other: &dyn Pages);
}

#[interface(id = "org.example.b", version = "1.0")]
trait Local {
    fn turn(&mut self) -> &str;
    fn later(&self) -> LocalPluginFuture<'_, u32>;
}

// What a result borrows is the object's.
fn outlives(pages: Handle<dyn Pages>) -> String {
    let name = pages.name();
    drop(pages);
    name.to_owned()
}

fn tried(pages: Handle<dyn Pages>) -> bool {
    let name = pages.try_name();
    drop(pages);
    name.is_ok()
}

fn twice(mut local: Handle<dyn Local>) -> usize {
    let first = local.turn();
    let second = local.turn();
    first.len() + second.len()
}

// What is lent is the lender's.
struct Keeper(Mutex<Vec<&'static str>>, Mutex<Vec<&'static dyn Pages>>);

impl Pages for Keeper {
    fn name(&self) -> &str {
        ""
    }
    fn keep(&self, text: &str, other: &dyn Pages) {
        self.0.lock().unwrap().push(text);
        self.1.lock().unwrap().push(other);
    }
}

// What stays on its thread does so.
fn sent(local: Handle<dyn Local>) {
    std::thread::spawn(move || drop(local));
}

fn sent_later(later: LocalPluginFuture<'static, u32>) {
    std::thread::spawn(move || drop(later));
}

fn main() {}
