//! The witness: gathers the facts about a plugin file on which a verdict is founded.
