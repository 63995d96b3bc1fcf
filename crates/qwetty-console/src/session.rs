//! Who is signed in.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qwetty::{Now, VerifiedKey};
use qwetty_keys::OrganizationId;

use crate::notice::Notice;
use crate::once::{Once, Sent};
use crate::token::{Token, TokenDigest};

/// A session ends so long after its last request.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
/// A session ends so long after the sign-in, whatever is done in it.
pub(crate) const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// How many sessions there are at most, all together and with one key. One more ends the one that was idle longest.
const MOST: usize = 10_000;
const MOST_PER_KEY: usize = 20;

/// What is known of somebody who signed in. It holds no key value: the key is judged again with each request.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The key that signed in, as it was when it was last judged.
    pub(crate) key: VerifiedKey,
    /// The organization whose things are shown; another than the key's own only for an operator.
    pub(crate) organization: OrganizationId,
    notice: Option<Notice>,
    sent: Sent,
    began: Now,
    used: Now,
}

/// Everybody who is signed in, in memory: a restart signs everybody out.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<TokenDigest, Session>>);

impl Session {
    fn is_over(&self, now: Now) -> bool {
        since(self.used, now) >= IDLE || since(self.began, now) >= LONGEST
    }
}

impl Sessions {
    /// Begins a session under a token that nobody had before.
    pub(crate) fn begin(&self, token: &Token, key: &VerifiedKey, now: Now) {
        let mut sessions = self.lock();
        let of_key = sessions.values().filter(|session| session.key.id() == key.id()).count();
        if of_key >= MOST_PER_KEY {
            let id = key.id();
            end_idlest(&mut sessions, |session| session.key.id() == id);
        }
        if sessions.len() >= MOST {
            sessions.retain(|_, session| !session.is_over(now));
        }
        if sessions.len() >= MOST {
            end_idlest(&mut sessions, |_| true);
        }
        let organization = key.organization();
        let session = Session {
            key: key.clone(),
            organization,
            notice: None,
            sent: Sent::default(),
            began: now,
            used: now,
        };
        sessions.insert(token.digest(), session);
    }

    /// The session of a token, if there is one that is not over.
    pub(crate) fn find(&self, token: &Token, now: Now) -> Option<Session> {
        let (mut sessions, digest) = (self.lock(), token.digest());
        if sessions.get(&digest)?.is_over(now) {
            sessions.remove(&digest);
            return None;
        }
        sessions.get(&digest).cloned()
    }

    /// A session was used by its key, which was found good. It does not bring back one that was ended meanwhile.
    pub(crate) fn used(&self, token: &Token, key: &VerifiedKey, now: Now) {
        if let Some(session) = self.lock().get_mut(&token.digest()) {
            session.key = key.clone();
            session.used = now;
        }
    }

    /// Shows another organization's things from now on. The caller has made sure that the key may see them.
    pub(crate) fn choose_organization(&self, token: &Token, organization: OrganizationId) {
        if let Some(session) = self.lock().get_mut(&token.digest()) {
            session.organization = organization;
        }
    }

    /// Keeps something to be said on the next page.
    pub(crate) fn leave_notice(&self, token: &Token, notice: Notice) {
        if let Some(session) = self.lock().get_mut(&token.digest()) {
            session.notice = Some(notice);
        }
    }

    /// What was kept to be said, once.
    pub(crate) fn take_notice(&self, token: &Token) -> Option<Notice> {
        self.lock().get_mut(&token.digest())?.notice.take()
    }

    /// Whether a form comes for the first time in its session; in one that was ended meanwhile, none does.
    pub(crate) fn is_first(&self, token: &Token, once: &Once) -> bool {
        self.lock().get_mut(&token.digest()).is_some_and(|session| session.sent.is_first(once))
    }

    /// What a form asked for was refused, so it may come again.
    pub(crate) fn give_back(&self, token: &Token, once: &Once) {
        if let Some(session) = self.lock().get_mut(&token.digest()) {
            session.sent.give_back(once);
        }
    }

    /// Ends a session.
    pub(crate) fn end(&self, token: &Token) {
        self.lock().remove(&token.digest());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time between two readings by whichever clock says more: the wall clock may be set back, and the other one
/// stands still while a machine sleeps.
fn since(earlier: Now, later: Now) -> Duration {
    let by_moment = later.moment.as_nanos().saturating_sub(earlier.moment.as_nanos());
    later.wall.saturating_duration_since(earlier.wall).max(Duration::from_nanos(by_moment))
}

fn end_idlest(sessions: &mut HashMap<TokenDigest, Session>, among: impl Fn(&Session) -> bool) {
    let idlest = sessions
        .iter()
        .filter(|(_, session)| among(session))
        .min_by_key(|(_, session)| session.used.moment)
        .map(|(digest, _)| *digest);
    if let Some(idlest) = idlest {
        sessions.remove(&idlest);
    }
}
