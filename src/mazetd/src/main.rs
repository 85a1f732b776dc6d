//! `mazetd`: the box's program.
#![allow(dead_code)]

mod health;
mod protocol;

fn main() {}
