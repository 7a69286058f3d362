use plugwright_plugin::interface;

#[interface(id = "org.example.a", version = "1.2")]
trait Forms {
    #[since]
    fn without_a_version(&self);
    #[since = "1.1"]
    fn with_an_equals_sign(&self);
    #[since(1.1)]
    fn a_number(&self);
    #[since("one")]
    fn a_word(&self);
    #[since("1.1")]
    #[since("1.2")]
    fn twice(&self);
}

#[interface(id = "org.example.a", version = "2.2")]
trait Versions {
    #[since("2.3")]
    fn beyond_the_minor_version(&self);
    #[since("3.1")]
    fn beyond_the_major_version(&self);
    #[since("1.1")]
    fn before_the_major_version(&self);
    #[since("2.0")]
    fn from_the_start(&self);
}

#[interface(id = "org.example.a", version = "1.3")]
trait Order {
    fn first(&self);
    #[since("1.3")]
    fn third(&self);
    #[since("1.2")]
    fn second(&self);
    fn forgotten(&self);
}

#[interface(id = "org.example.a", version = "1.x")]
trait OfNoVersion {
    #[since("1.7")]
    fn added(&self);
}

fn main() {}
