//! The permission to run plugins inside the host's own process.

/// Whoever makes this says: the plugins that my policy lets through are sound.
///
/// A verdict says who made a plugin and that its file is whole. It can never say that the
/// plugin's code is free of undefined behaviour, so loading a plugin into one's own process
/// is unsafe, and this is where that is signed for.
#[derive(Clone, Copy, Debug)]
pub struct InProcess(());

impl InProcess {
    /// Allows plugins in this process.
    ///
    /// # Safety
    /// Every plugin that the host's policy allows from the host's folders, and every library that
    /// such a plugin brings along,
    /// - has constructors and destructors that may run at any time on any thread,
    /// - is built with Plugwright's SDK, or keeps to its binary interface as the SDK would,
    /// - and has no undefined behaviour of its own.
    #[must_use]
    #[expect(
        unsafe_code,
        reason = "declaring the function unsafe is the point: its caller signs"
    )]
    pub const unsafe fn trust_plugins() -> Self {
        Self(())
    }
}
