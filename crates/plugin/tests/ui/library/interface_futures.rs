use plugwright_plugin::{PluginFuture, interface};

#[interface(id = "org.example.a", version = "1.0")]
trait Inside {
    fn maybe(&self) -> Option<PluginFuture<'_, u32>>;
}

type Renamed = PluginFuture<'static, u32>;

#[interface(id = "org.example.b", version = "1.0")]
trait Other {
    fn renamed(&self) -> Renamed;
}

fn main() {}
