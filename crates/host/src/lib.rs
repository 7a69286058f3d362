//! Discovery, judgement, loading and binding of plugins: the application's crate.
