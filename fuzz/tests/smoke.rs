//! Every kept input, and a bounded number of mutations of them, the same in every run.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use qwetty_fuzz::{TARGETS, Target};

/// More than this is kept for nobody's sake.
const MOST_FILES: usize = 200;
const MOST_BYTES: usize = 300 * 1024;

fn kept(target: &Target) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> =
        std::fs::read_dir(target.corpus()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Bytes that a failure shows as text.
struct Input(Vec<u8>);

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// One change to an input.
#[derive(Debug, Clone)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Splice(Index, Index),
    Word(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<Index>(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), 1usize..12).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (any::<Index>(), 1usize..12).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        (any::<Index>(), any::<Index>()).prop_map(|(at, other)| Mutation::Splice(at, other)),
        (any::<Index>(), any::<Index>()).prop_map(|(at, word)| Mutation::Word(at, word)),
        (any::<Index>(), any::<Index>()).prop_map(|(at, word)| Mutation::Word(at, word)),
    ]
}

fn mutated(target: &Target, corpus: &[Vec<u8>], from: Index, mutations: &[Mutation]) -> Vec<u8> {
    let mut input = from.get(corpus).clone();
    for mutation in mutations {
        let place = |at: &Index, input: &[u8]| at.index(input.len() + 1);
        match mutation {
            Mutation::Set(at, byte) => {
                if !input.is_empty() {
                    let at = at.index(input.len());
                    input[at] = *byte;
                }
            }
            Mutation::Insert(at, bytes) => insert(&mut input, at, bytes),
            Mutation::Word(at, word) => insert(&mut input, at, word.get(target.words).as_bytes()),
            Mutation::Remove(at, count) => {
                let at = place(at, &input);
                let end = (at + count).min(input.len());
                input.drain(at..end);
            }
            Mutation::Repeat(at, count) => {
                let from = place(at, &input);
                let piece = input[from..(from + count).min(input.len())].to_vec();
                insert(&mut input, at, &piece);
            }
            Mutation::Splice(at, other) => {
                let at = place(at, &input);
                let other = other.get(corpus);
                input.truncate(at);
                input.extend(&other[at.min(other.len())..]);
            }
        }
    }
    input
}

fn insert(input: &mut Vec<u8>, at: &Index, bytes: &[u8]) {
    let at = at.index(input.len() + 1);
    input.splice(at..at, bytes.iter().copied());
}

fn smoke(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let corpus = kept(target);
    assert!(!corpus.is_empty() && corpus.len() <= MOST_FILES, "{} files in {name}", corpus.len());
    for input in &corpus {
        (target.run)(input);
    }
    let config = Config { cases: target.smoke, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let inputs = (any::<Index>(), vec(mutation(), 1..6))
        .prop_map(|(from, mutations)| Input(mutated(target, &corpus, from, &mutations)));
    let found = runner.run(&inputs, |Input(input)| {
        (target.run)(&input);
        Ok(())
    });
    if let Err(error) = found {
        panic!("{name}: {error}");
    }
}

macro_rules! smoke {
    ($($name:ident)*) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })*

        #[test]
        fn every_target_is_tried_and_its_corpus_is_small() {
            let tried = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), tried);
            let bytes: usize = TARGETS.iter().flat_map(kept).map(|input| input.len()).sum();
            assert!(bytes <= MOST_BYTES, "{bytes} bytes");
        }
    };
}

smoke!(authorization config console forwarded_for json_body key_value network original_request route_table snapshot);
