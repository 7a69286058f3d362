//! The judge from outside: each reason by the facts that call for it, and properties over made-up facts and policies.

mod properties;
mod reasons;
