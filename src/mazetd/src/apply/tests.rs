//! Applying in a temporary tree.
