use plugwright_plugin::interface;

struct Own;

#[interface(id = "org.example.a", version = "1.1")]
trait Constants {
    const NONE: u32;
    const WIDE: u128 = 1;
    const OWN: Own = Own;
    const TEXT: str = "";
    const REFERENCE: &u32 = &1;
    #[since("1.1")]
    const LATER: u32 = 1;
    #[cfg(unix)]
    const SOMETIMES: u32 = 1;
}

fn main() {}
