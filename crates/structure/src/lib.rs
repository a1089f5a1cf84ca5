//! The structure of the workspace. It is only tested: `tests/arrows.rs` lists which crate may depend on which.
