use std::path::PathBuf;

use crate::targets::{
    authorization, config, console, forwarded_for, json_body, key_value, network, original_request,
    route_table, snapshot,
};

/// One reader of strangers' bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which its corpus has, too.
    pub name: &'static str,
    /// Reads any bytes; panics if a promise is broken.
    pub run: fn(&[u8]),
    /// What its inputs are made of, for whoever mutates them.
    pub words: &'static [&'static str],
    /// How many mutations a test run tries.
    pub smoke: u32,
}

impl Target {
    /// Where the kept corpus is: one input a file.
    pub fn corpus(&self) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "corpus", self.name].iter().collect()
    }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "authorization", run: authorization::run, words: authorization::WORDS, smoke: 4_000 },
    Target { name: "config", run: config::run, words: config::WORDS, smoke: 2_000 },
    Target { name: "console", run: console::run, words: console::WORDS, smoke: 500 },
    Target { name: "forwarded_for", run: forwarded_for::run, words: forwarded_for::WORDS, smoke: 4_000 },
    Target { name: "json_body", run: json_body::run, words: json_body::WORDS, smoke: 1_000 },
    Target { name: "key_value", run: key_value::run, words: key_value::WORDS, smoke: 4_000 },
    Target { name: "network", run: network::run, words: network::WORDS, smoke: 4_000 },
    Target {
        name: "original_request",
        run: original_request::run,
        words: original_request::WORDS,
        smoke: 1_500,
    },
    Target { name: "route_table", run: route_table::run, words: route_table::WORDS, smoke: 3_000 },
    Target { name: "snapshot", run: snapshot::run, words: snapshot::WORDS, smoke: 4_000 },
];
