//! What the engine is to do, said as plainly as can be: plain numbers, a list of admissions, no sharing.

/// The quotas, small enough for the limiter to be exact: units in any hour.
pub(crate) const STANDARD: u32 = 12;
pub(crate) const ADMIN: u32 = 40;
const WINDOW: i64 = 3600;

/// The world of the model. Times are whole seconds.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// The wall clock, which may be set back.
    pub(crate) wall: i64,
    /// The monotonic clock.
    moment: i64,
    pub(crate) keys: Vec<ModelKey>,
    /// What the last call is to come to.
    pub(crate) answer: Answer,
    /// Whether every key is looked at then. Not once time has passed: the clock may be set back before anyone looks.
    pub(crate) shown: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There was nothing to call.
    Nothing,
    Done,
    Refused(&'static str),
    Verdict {
        code: &'static str,
        remaining: Option<u32>,
    },
    CostOutOfRange(u32),
}

#[derive(Debug, Clone)]
pub(crate) struct ModelKey {
    pub(crate) deleted: bool,
    pub(crate) settings: Settings,
    revoked: bool,
    /// How many values it has had; the last is the current one.
    pub(crate) values: usize,
    previous: Option<Previous>,
    regenerated_at: Option<i64>,
    /// The latest end, of the key or of an older value, that was told in this run of the engine.
    ended_at: Option<i64>,
    /// Admissions as `(moment, units)`; `None` until the key is looked up in this run of the engine.
    admissions: Option<Vec<(i64, u32)>>,
    saved: Option<Saved>,
    /// Whether something was counted since the last flush.
    counted: bool,
    pub(crate) admitted: u64,
    pub(crate) denied: u64,
    pub(crate) last_used: Option<i64>,
    previous_used: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Previous {
    value: usize,
    ends_at: i64,
}

/// Admissions as `(age, units)` at the time of the wall clock.
#[derive(Debug, Clone)]
struct Saved {
    wall: i64,
    ages: Vec<(i64, u32)>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) may_send: bool,
    pub(crate) scoped: bool,
    pub(crate) whitelisted: bool,
    pub(crate) admin: bool,
    pub(crate) expires_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) enum Transition {
    Create { settings: Settings },
    Verify { key: usize, value: usize, asks: Asks, cost: Option<u32> },
    Update { key: usize, settings: Settings, expiry_too: bool },
    Regenerate { key: usize, overlap: i64 },
    Revoke { key: usize },
    Reactivate { key: usize },
    Delete { key: usize },
    Advance { seconds: i64 },
    SetBack { seconds: i64 },
    Flush,
    Restart,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Asks {
    pub(crate) send: bool,
    pub(crate) other_channel: bool,
    pub(crate) outside: bool,
}

impl Model {
    pub(crate) fn new(wall: i64) -> Self {
        Self { wall, moment: 0, keys: Vec::new(), answer: Answer::Nothing, shown: true }
    }

    /// Which key a number means.
    fn place(&self, key: usize) -> Option<usize> {
        key.checked_rem(self.keys.len())
    }

    pub(crate) fn apply(&mut self, transition: &Transition) {
        let (wall, moment) = (self.wall, self.moment);
        let target = match *transition {
            Transition::Verify { key, .. }
            | Transition::Update { key, .. }
            | Transition::Regenerate { key, .. }
            | Transition::Revoke { key }
            | Transition::Reactivate { key }
            | Transition::Delete { key } => self.place(key),
            _ => None,
        };
        let mut key = target.map(|place| &mut self.keys[place]);
        if let (Some(key), false) = (&mut key, matches!(transition, Transition::Verify { .. })) {
            key.show(wall);
        }
        self.answer = match (key, transition) {
            (_, Transition::Create { settings }) => self.create(*settings),
            (_, Transition::Advance { seconds }) => {
                (self.wall, self.moment) = (wall + seconds, moment + seconds);
                Answer::Done
            }
            (_, Transition::SetBack { seconds }) => {
                self.wall -= seconds;
                Answer::Done
            }
            (_, Transition::Flush) => self.flush(),
            (_, Transition::Restart) => self.restart(),
            (None, _) => Answer::Nothing,
            (Some(key), Transition::Verify { value, asks, cost, .. }) => {
                key.verify(wall, moment, *value, *asks, *cost)
            }
            (Some(key), _) if key.deleted => Answer::Refused("not_found"),
            (Some(key), Transition::Update { settings, expiry_too, .. }) => {
                key.update(wall, *settings, *expiry_too)
            }
            (Some(key), Transition::Regenerate { overlap, .. }) => key.regenerate(wall, *overlap),
            (Some(key), Transition::Revoke { .. }) => {
                (key.revoked, key.previous) = (true, None);
                Answer::Done
            }
            (Some(key), Transition::Reactivate { .. }) => key.reactivate(wall),
            (Some(key), Transition::Delete { .. }) => {
                key.deleted = true;
                Answer::Done
            }
        };
        self.shown = !matches!(transition, Transition::Advance { .. });
        if self.shown {
            for key in &mut self.keys {
                key.show(self.wall);
            }
        }
    }

    fn create(&mut self, settings: Settings) -> Answer {
        if settings.expires_at.is_some_and(|at| at <= self.wall) {
            return Answer::Refused("invalid");
        }
        self.keys.push(ModelKey {
            deleted: false,
            settings,
            revoked: false,
            values: 1,
            previous: None,
            regenerated_at: None,
            ended_at: None,
            admissions: None,
            saved: None,
            counted: false,
            admitted: 0,
            denied: 0,
            last_used: None,
            previous_used: None,
        });
        Answer::Done
    }

    fn flush(&mut self) -> Answer {
        for key in self.keys.iter_mut().filter(|key| key.counted) {
            key.counted = false;
            let admissions = key.admissions.iter().flatten();
            let ages: Vec<_> = admissions.map(|(at, units)| (self.moment - at, *units)).collect();
            if ages.iter().any(|(age, _)| *age < WINDOW) {
                key.saved = Some(Saved { wall: self.wall, ages });
            }
        }
        Answer::Done
    }

    fn restart(&mut self) -> Answer {
        self.flush();
        for key in &mut self.keys {
            (key.ended_at, key.admissions) = (None, None);
        }
        Answer::Done
    }
}

impl ModelKey {
    /// The time by which the key is judged.
    fn judged_at(&self, wall: i64) -> i64 {
        self.ended_at.map_or(wall, |ended| ended.max(wall))
    }

    /// What is over is told to be.
    fn show(&mut self, wall: i64) {
        let at = self.judged_at(wall);
        let ends = [self.settings.expires_at, self.previous.map(|previous| previous.ends_at)];
        self.ended_at = self.ended_at.max(ends.into_iter().flatten().filter(|end| *end <= at).max());
    }

    pub(crate) fn status(&self, wall: i64) -> &'static str {
        let left = self.settings.expires_at.map(|at| at - self.judged_at(wall));
        match left {
            _ if self.revoked => "revoked",
            Some(..=0) => "expired",
            Some(1..=604_800) => "expiring_soon",
            _ => "active",
        }
    }

    pub(crate) fn previous_expires(&self, wall: i64) -> Option<i64> {
        let ends_at = self.previous?.ends_at;
        (self.judged_at(wall) < ends_at).then_some(ends_at)
    }

    pub(crate) fn previous_used(&self, wall: i64) -> Option<i64> {
        self.previous_expires(wall)?;
        self.previous_used.filter(|used| Some(*used) >= self.regenerated_at)
    }

    fn limit(&self) -> u32 {
        if self.settings.admin { ADMIN } else { STANDARD }
    }

    fn verify(&mut self, wall: i64, moment: i64, value: usize, asks: Asks, cost: Option<u32>) -> Answer {
        let is_current = value + 1 == self.values;
        let previous = self.previous.filter(|previous| previous.value == value);
        let not_found = Answer::Verdict { code: "not_found", remaining: None };
        if self.deleted || !(is_current || previous.is_some()) {
            return not_found;
        }
        self.load(wall, moment);
        let at = self.judged_at(wall);
        if let Some(previous) = previous.filter(|previous| !is_current && previous.ends_at <= at) {
            self.ended_at = self.ended_at.max(Some(previous.ends_at));
            return not_found;
        }
        let (code, remaining) = match self.access(at, asks) {
            Err(code) => (code, None),
            Ok(()) => match cost {
                None => ("valid", None),
                Some(cost) if cost == 0 || cost > self.limit() => {
                    return Answer::CostOutOfRange(self.limit());
                }
                Some(cost) => self.take(moment, cost),
            },
        };
        if cost.is_some() {
            self.count(wall, code == "valid", !is_current);
        }
        Answer::Verdict { code, remaining }
    }

    fn access(&mut self, at: i64, asks: Asks) -> Result<(), &'static str> {
        match self.settings.expires_at {
            _ if self.revoked => return Err("revoked"),
            Some(expires_at) if expires_at <= at => {
                self.ended_at = self.ended_at.max(Some(expires_at));
                return Err("expired");
            }
            _ => {}
        }
        if self.settings.whitelisted && asks.outside {
            return Err("ip_not_allowed");
        }
        if asks.send && !self.settings.may_send {
            return Err("insufficient_permissions");
        }
        if self.settings.scoped && asks.other_channel {
            return Err("channel_not_allowed");
        }
        Ok(())
    }

    fn take(&mut self, moment: i64, cost: u32) -> (&'static str, Option<u32>) {
        let limit = self.limit();
        let admissions = self.admissions.get_or_insert_default();
        let held: u32 =
            admissions.iter().filter(|(at, _)| moment - at < WINDOW).map(|(_, units)| units).sum();
        if held + cost > limit {
            return ("rate_limited", Some(limit.saturating_sub(held)));
        }
        admissions.push((moment, cost));
        ("valid", Some(limit - held - cost))
    }

    fn count(&mut self, wall: i64, admitted: bool, by_previous: bool) {
        self.counted = true;
        if !admitted {
            self.denied += 1;
            return;
        }
        self.admitted += 1;
        self.last_used = self.last_used.max(Some(wall));
        if by_previous {
            self.previous_used = self.previous_used.max(Some(wall));
        }
    }

    /// A saved window has aged by the wall clock since; one that was set back did not make it younger.
    fn load(&mut self, wall: i64, moment: i64) {
        let saved = &self.saved;
        self.admissions.get_or_insert_with(|| {
            saved
                .iter()
                .flat_map(|saved| {
                    let elapsed = (wall - saved.wall).max(0);
                    saved.ages.iter().map(move |(age, units)| (moment - age - elapsed, *units))
                })
                .collect()
        });
    }

    fn update(&mut self, wall: i64, settings: Settings, expiry_too: bool) -> Answer {
        if !expiry_too {
            self.settings = Settings { expires_at: self.settings.expires_at, ..settings };
            return Answer::Done;
        }
        if settings.expires_at.is_some_and(|at| at <= self.judged_at(wall)) {
            return Answer::Refused("invalid");
        }
        self.settings = settings;
        self.end_overlap_with_key();
        Answer::Done
    }

    fn regenerate(&mut self, wall: i64, overlap: i64) -> Answer {
        let at = self.judged_at(wall);
        match self.status(wall) {
            "revoked" => return Answer::Refused("key_revoked"),
            "expired" => return Answer::Refused("key_expired"),
            _ => {}
        }
        let old = Previous { value: self.values - 1, ends_at: at + overlap };
        self.previous = (overlap > 0).then_some(old);
        self.end_overlap_with_key();
        self.values += 1;
        self.regenerated_at = Some(at);
        Answer::Done
    }

    fn reactivate(&mut self, wall: i64) -> Answer {
        if self.settings.expires_at.is_some_and(|at| at <= self.judged_at(wall)) {
            return Answer::Refused("key_expired");
        }
        self.revoked = false;
        Answer::Done
    }

    fn end_overlap_with_key(&mut self) {
        if let (Some(previous), Some(expires_at)) = (&mut self.previous, self.settings.expires_at) {
            previous.ends_at = previous.ends_at.min(expires_at);
        }
    }
}
