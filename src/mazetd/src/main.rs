//! `mazetd`: the box's program.

mod health;
mod protocol;

fn main() {}
