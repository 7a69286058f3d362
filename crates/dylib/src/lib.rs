//! Loads dynamic libraries: from sealed copies, private copies or in place.
