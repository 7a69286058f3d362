//! The judge from outside: each reason by the facts that call for it, and properties over made-up facts and policies.

mod files;
mod locks;
mod needed;
mod properties;
mod reasons;
mod signatures;
