//! The judge: facts and a policy in, a verdict out, no input or output of its own.
