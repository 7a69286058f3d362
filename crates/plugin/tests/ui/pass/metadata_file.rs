//! Metadata of the plugin from a file, of one provided interface in place.

use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.reader", version = "1.0")]
pub trait Reader {
    fn read(&self, bytes: &[u8]) -> Vec<u8>;
}

#[plugin(
    id = "org.example.images",
    name = "Images",
    provides(Reader, keys = ["png"], rank = -3, metadata = { "depth": [8, 16], "alpha": null, "least": -1, "gamma": -2.2e0 }),
    provides(Reader),
    metadata = "good.json",
    unloadable = true,
)]
#[derive(Default)]
pub enum Images {
    #[default]
    All,
}

impl Reader for Images {
    fn read(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }
}

fn main() {}
