//! What a plugin says of itself, and how that is encoded inside its binary.
