//! End-to-end scenarios on real images.
fn main() {}
