#![doc = include_str!("../README.md")]

mod arrival;
mod assets;
mod console;
mod cookie;
mod door;
mod fields;
mod form;
mod misplaced;
mod notice;
mod once;
mod pages;
mod refusal;
mod reply;
mod route;
mod same_origin;
mod session;
mod token;
mod view;
mod visit;
mod way_back;

pub use console::{Answer, Console, ConsoleError, ConsoleOptions};
