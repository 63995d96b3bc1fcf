//! The key value: parsing one, and its digest.

#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up says so by panicking")]

use std::hint::black_box;

use qwetty_benches::{BareHash, Records, criterion};
use qwetty_keys::{Digester, MalformedKey, PresentedKey};

fn main() {
    let value = Records::seeded(1).value();
    let text = value.expose();
    let (rest, last) = text.split_at(text.len() - 1);
    let bad_checksum = format!("{rest}{}", if last == "0" { '1' } else { '0' });
    let presented: PresentedKey = text.parse().unwrap();
    let digester = Digester::new(None);
    let bare_hash = BareHash::new([7; 32]);

    assert_eq!(bad_checksum.parse::<PresentedKey>().err(), Some(MalformedKey::Checksum));
    assert_eq!(rest.parse::<PresentedKey>().err(), Some(MalformedKey::Length));

    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("key_value");
    group.bench_function("bare_hash", |b| b.iter(|| bare_hash.of(black_box(&value))));
    group.bench_function("digest", |b| b.iter(|| digester.digest(black_box(&presented))));
    for (line, text) in [("parse", text), ("parse_bad_checksum", &bad_checksum), ("parse_wrong_length", rest)]
    {
        group.bench_function(line, |b| b.iter(|| black_box(text).parse::<PresentedKey>()));
    }
    group.finish();
    criterion.final_summary();
}
