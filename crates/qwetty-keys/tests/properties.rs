#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;
use qwetty_keys::{
    Digester, EventId, Generation, IssuedValue, KeyDigest, KeyId, KeyPrefix, KeyStart, KeyValue, Lifecycle,
    LifecycleError, OrganizationId, Overlap, Pepper, PresentedKey, Status, Timestamp, Transition,
};
use rand::SeedableRng;
use rand::rngs::ChaCha12Rng;

const PREFIX: &str = "[a-z][a-z0-9_]{0,14}_";

fn generated(prefix: KeyPrefix, seed: u64) -> KeyValue {
    KeyValue::generate(prefix, &mut ChaCha12Rng::seed_from_u64(seed)).unwrap()
}

proptest! {
    #[test]
    fn a_generated_value_parses_under_its_prefix(prefix in PREFIX, seed: u64) {
        let prefix: KeyPrefix = prefix.parse().unwrap();
        let value = generated(prefix, seed);
        let presented = PresentedKey::parse(prefix, value.expose()).unwrap();
        prop_assert_eq!(presented.start(), value.start());
        prop_assert_eq!(value.start().to_string(), &value.expose()[..prefix.as_str().len() + 4]);
        prop_assert_eq!(value.start().as_str().parse::<KeyStart>().unwrap(), value.start());

        let digester = Digester::new(Some(&Pepper::from_bytes([9; 32])));
        prop_assert_eq!(digester.digest(&presented), digester.digest_value(&value));
    }

    #[test]
    fn different_values_have_different_digests(a: u64, b: u64) {
        prop_assume!(a != b);
        let digester = Digester::new(None);
        let digest = |seed| digester.digest_value(&generated(KeyPrefix::QWETTY, seed));
        prop_assert_ne!(digest(a), digest(b));
    }

    #[test]
    fn parsing_never_panics(text: String, tail in "[0-9A-Za-z]{49}") {
        let _ = text.parse::<PresentedKey>();
        let _ = format!("qwt_{}", tail).parse::<PresentedKey>();
        let _ = PresentedKey::parse("q_".parse().unwrap(), &text);
        let _ = text.parse::<Timestamp>();
        let _ = text.parse::<KeyId>();
        let _ = text.parse::<KeyStart>();
    }

    #[test]
    fn ids_and_their_text_are_inverse_and_sort_alike(a: u128, b: u128) {
        let (x, y) = (KeyId::from_u128(a), KeyId::from_u128(b));
        prop_assert_eq!(x.to_string().parse::<KeyId>(), Ok(x));
        prop_assert_eq!(x.to_string().cmp(&y.to_string()), x.cmp(&y));
        prop_assert_eq!(OrganizationId::from_u128(a).to_string().parse(), Ok(OrganizationId::from_u128(a)));
        prop_assert_eq!(EventId::from_u128(a).to_string().parse(), Ok(EventId::from_u128(a)));
    }

    #[test]
    fn timestamps_and_their_text_are_inverse(micros in -62_167_219_200_000_000i64..253_402_300_800_000_000) {
        let timestamp = Timestamp::from_unix_micros(micros);
        prop_assert_eq!(timestamp.to_string().parse(), Ok(timestamp));
        prop_assert_eq!(Timestamp::from(timestamp.to_offset_date_time()), timestamp);
    }

    #[test]
    fn no_transition_leaves_the_table(
        expires_in in option_micros(),
        steps in prop::collection::vec((pause(), step()), 1..40),
    ) {
        let mut now = Timestamp::from_unix_micros(1_900_000_000_000_000);
        let first = value(0);
        let expires_at = expires_in.map(|micros| later(now, micros));
        let mut key = Lifecycle::issue(first, expires_at);
        let mut model = Model { revoked: None, expires_at, values: vec![(first, None)] };
        for (number, (pause, step)) in (1..).zip(steps) {
            now = now.saturating_add(pause);
            key = model.apply(key, now, &step, value(number));
            model.agrees(&key, now);
        }
    }
}

/// One slip of the pen: every position of a key value, every other character of its alphabet and some beyond it.
#[test]
fn every_single_character_change_is_refused() {
    for (prefix, seed) in [("qwt_", 1), ("qwt_", 2), ("qwt_", 3), ("acme_live2_", 4)] {
        let prefix: KeyPrefix = prefix.parse().unwrap();
        let value = generated(prefix, seed);
        for position in 0..value.expose().len() {
            for other in 0..=0x7f {
                let mut text = value.expose().as_bytes().to_vec();
                if std::mem::replace(&mut text[position], other) == other {
                    continue;
                }
                let text = String::from_utf8(text).unwrap();
                assert!(PresentedKey::parse(prefix, &text).is_err(), "position {position}, {other:#x}");
            }
        }
    }
}

#[test]
fn debug_shows_no_value_and_no_digest() {
    let fresh = generated(KeyPrefix::QWETTY, 5);
    let presented: PresentedKey = fresh.expose().parse().unwrap();
    let pepper = Pepper::from_bytes([0xab; 32]);
    let digester = Digester::new(Some(&pepper)).with_retired(None);
    let digest = digester.digest_value(&fresh);
    let issued = IssuedValue { digest, start: fresh.start() };
    let now = Timestamp::from_unix_micros(0);
    let key = Lifecycle::issue(issued, None)
        .regenerate(
            now,
            IssuedValue { digest: digester.digest(&presented), ..issued },
            Overlap::from_seconds(9).unwrap(),
        )
        .unwrap();
    let malformed = fresh.expose().to_lowercase().parse::<PresentedKey>().unwrap_err();

    let shown = [
        format!("{fresh:?}"),
        format!("{presented:?}"),
        format!("{pepper:?}"),
        format!("{digester:?}"),
        format!("{digest:?}"),
        format!("{issued:?}"),
        format!("{:?}", key.previous(now).unwrap()),
        format!("{key:#?}"),
        format!("{:?}", key.clone().into_parts()),
        format!("{:?}", key.clone().revoke(now, None)),
        format!("{malformed:?} {malformed}"),
        format!("{:?}", fresh.start()),
    ];
    let body = &fresh.expose()[8..];
    let hex: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let decimal = format!("{}, {}", digest.as_bytes()[0], digest.as_bytes()[1]);
    for shown in shown {
        // Any six characters in a row of what a start leaves out would be too many.
        for window in body.as_bytes().windows(6) {
            assert!(!shown.contains(str::from_utf8(window).unwrap()), "{shown}");
        }
        assert!(!shown.contains(&hex[..8]) && !shown.contains(&decimal), "{shown}");
        assert!(!shown.contains("171") && !shown.contains("abab"), "{shown}");
    }
}

fn value(number: u8) -> IssuedValue {
    IssuedValue { digest: KeyDigest::from_bytes([number; 32]), start: "qwt_4fJk".parse().unwrap() }
}

fn later(now: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(now.unix_micros() + micros)
}

#[derive(Clone, Debug)]
enum Step {
    Revoke,
    Reactivate,
    Regenerate(u64),
    Reschedule(Option<i64>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Revoke),
        2 => Just(Step::Reactivate),
        3 => prop_oneof![Just(0), 0u64..=20, Just(604_800)].prop_map(Step::Regenerate),
        2 => option_micros().prop_map(Step::Reschedule),
    ]
}

/// Around the pauses and overlaps of a few seconds, and around the seven days of `expiring_soon`.
fn option_micros() -> impl Strategy<Value = Option<i64>> {
    prop::option::of(prop_oneof![-1i64..=1, 0i64..30_000_000, 604_800_000_000i64..604_802_000_000])
}

fn pause() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), Just(1), 0u64..10_000_000].prop_map(Duration::from_micros)
}

/// What a key should be, kept in the plainest way: every value ever issued, and when each died.
struct Model {
    revoked: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// Newest last. `None` is the current value; another works before its instant.
    values: Vec<(IssuedValue, Option<Timestamp>)>,
}

impl Model {
    fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    fn end_older_values_by(&mut self, at: Timestamp) {
        for (_, ends_at) in &mut self.values {
            *ends_at = ends_at.map(|ends_at| ends_at.min(at));
        }
    }

    /// Takes the step in the model, and asserts that the key answers as the table says.
    fn apply(&mut self, key: Lifecycle, now: Timestamp, step: &Step, fresh: IssuedValue) -> Lifecycle {
        let before = key.clone();
        match step {
            Step::Revoke => match (key.revoke(now, None), self.revoked) {
                (Transition::Unchanged(next), Some(_)) => unchanged(next, before),
                (Transition::Changed(next), None) => {
                    self.revoked = Some(now);
                    self.end_older_values_by(now);
                    next
                }
                (other, _) => panic!("{other:?}"),
            },
            Step::Reactivate => match key.reactivate(now) {
                Err(LifecycleError::Expired) if self.expired(now) => before,
                Ok(Transition::Unchanged(next)) if !self.expired(now) && self.revoked.is_none() => {
                    unchanged(next, before)
                }
                Ok(Transition::Changed(next)) if !self.expired(now) && self.revoked.take().is_some() => next,
                other => panic!("{other:?}"),
            },
            Step::Regenerate(seconds) => {
                match key.regenerate(now, fresh, Overlap::from_seconds(*seconds).unwrap()) {
                    Err(LifecycleError::Revoked) if self.revoked.is_some() => before,
                    Err(LifecycleError::Expired) if self.revoked.is_none() && self.expired(now) => before,
                    Ok(next) if self.revoked.is_none() && !self.expired(now) => {
                        self.end_older_values_by(now);
                        let ends_at = now.saturating_add(Duration::from_secs(*seconds));
                        self.values.last_mut().unwrap().1 =
                            Some(self.expires_at.map_or(ends_at, |at| at.min(ends_at)));
                        self.values.push((fresh, None));
                        assert_eq!(next.regenerated_at(), Some(now));
                        next
                    }
                    other => panic!("{other:?}"),
                }
            }
            Step::Reschedule(micros) => {
                let expires_at = micros.map(|micros| later(now, micros));
                match (key.reschedule(now, expires_at), expires_at) {
                    (Err(LifecycleError::ExpiryNotInFuture), Some(at)) if at <= now => before,
                    (Ok(next), None) => {
                        self.expires_at = None;
                        next
                    }
                    (Ok(next), Some(at)) if at > now => {
                        self.expires_at = Some(at);
                        self.end_older_values_by(at);
                        next
                    }
                    (other, _) => panic!("{other:?}"),
                }
            }
        }
    }

    /// Everything that the key says of itself, at `now` and at the instants where it changes.
    fn agrees(&self, key: &Lifecycle, now: Timestamp) {
        assert_eq!(key.expires_at(), self.expires_at);
        assert_eq!(key.revocation().map(|revocation| revocation.at), self.revoked);
        assert_eq!(key.current(), &self.values.last().unwrap().0);
        assert!((1..=2).contains(&key.digests().count()));
        assert_eq!(&Lifecycle::from_parts(key.clone().into_parts()), key);

        let microsecond = Duration::from_micros(1);
        let week = Duration::from_secs(604_800);
        let mut instants = vec![now];
        for edge in self.values.iter().filter_map(|(_, ends_at)| *ends_at).chain(self.expires_at) {
            instants.extend([edge.saturating_sub(microsecond), edge, edge.saturating_add(microsecond)]);
            let soon = edge.saturating_sub(week);
            instants.extend([soon.saturating_sub(microsecond), soon, soon.saturating_add(microsecond)]);
        }
        for at in instants.into_iter().filter(|at| *at >= now) {
            let left = self.expires_at.map(|expires_at| expires_at.unix_micros() - at.unix_micros());
            let status = match (self.revoked, left) {
                (Some(_), _) => Status::Revoked,
                (None, Some(left)) if left <= 0 => Status::Expired,
                (None, Some(left)) if left <= 604_800_000_000 => Status::ExpiringSoon,
                (None, _) => Status::Active,
            };
            assert_eq!(key.status(at), status);

            for (value, ends_at) in &self.values {
                let generation = match ends_at {
                    None => Some(Generation::Current),
                    Some(ends_at) => (at < *ends_at).then_some(Generation::Previous),
                };
                assert_eq!(key.which(&value.digest, at), generation);
                // Whatever still works, a cache can find in the key.
                assert!(generation.is_none() || key.digests().any(|digest| *digest == value.digest));
            }
            if let Some(previous) = key.previous(at) {
                assert!(status.is_usable());
                assert_eq!(key.which(&previous.value.digest, at), Some(Generation::Previous));
            }
        }
    }
}

fn unchanged(next: Lifecycle, before: Lifecycle) -> Lifecycle {
    assert_eq!(next, before);
    next
}
