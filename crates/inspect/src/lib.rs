//! Reads libraries and plugins without executing them.
