use plugwright_plugin::interface;

#[interface(id = "org.example.a", version = "1.0")]
trait Qualifiers {
    #[cfg(unix)]
    fn conditional(&self);
    async fn waits(&self);
    unsafe fn dangerous(&self);
    extern "C" fn foreign(&self);
    fn generic<T>(&self, value: T);
    fn any_length<'a>(&self, text: &'a str) -> u32;
}

#[interface(id = "org.example.a", version = "1.0")]
trait Receivers {
    fn none(value: u8);
    fn by_value(self);
    fn counted(self: std::sync::Arc<Self>);
    fn pinned(self: std::pin::Pin<&mut Self>);
}

#[interface(id = "org.example.a", version = "1.0")]
trait Parameters {
    fn lent(&self, count: &mut u32, buffer: &mut [u8]);
    fn text(&self) -> &mut [u8];
    fn inside(&self) -> Result<Option<&mut [u8]>, u8>;
}

#[interface(id = "org.example.a", version = "1.0")]
trait Futures {
    fn of_what(&self) -> PluginFuture;
    fn how_long(&self) -> PluginFuture<u32>;
}

fn main() {}
