//! `mazetd`: the box's program.

mod health;
mod protocol;
#[allow(dead_code)]
mod web;

fn main() {}
