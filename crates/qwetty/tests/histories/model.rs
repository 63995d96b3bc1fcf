/// What is asked of the one key. Values are numbered in the order in which their answers came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// May this value send a message?
    Verify {
        value: usize,
    },
    Revoke,
    Reactivate,
    Regenerate {
        overlapping: bool,
    },
    Delete,
    /// Takes the permission to send away.
    Narrow,
    /// Gives it back.
    Widen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Value(usize),
    Code(&'static str),
    NotFound,
    KeyRevoked,
}

/// The key as somebody knows it who makes one call after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Model {
    deleted: bool,
    revoked: bool,
    may_send: bool,
    current: usize,
    previous: Option<usize>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self { deleted: false, revoked: false, may_send: true, current: 0, previous: None }
    }

    /// The key after the call, if it gives this answer now.
    pub(crate) fn after(&self, call: &Call, answer: &Answer) -> Option<Self> {
        let (expected, after) = self.make(call, answer);
        (expected == *answer).then_some(after)
    }

    fn make(&self, call: &Call, answer: &Answer) -> (Answer, Self) {
        let mut after = self.clone();
        let expected = match call {
            Call::Verify { value } => Answer::Code(self.decide(*value)),
            _ if self.deleted => Answer::NotFound,
            Call::Delete => {
                after.deleted = true;
                Answer::Done
            }
            Call::Revoke => {
                after.revoked = true;
                after.previous = None;
                Answer::Done
            }
            Call::Reactivate => {
                after.revoked = false;
                Answer::Done
            }
            Call::Narrow | Call::Widen => {
                after.may_send = *call == Call::Widen;
                Answer::Done
            }
            Call::Regenerate { .. } if self.revoked => Answer::KeyRevoked,
            Call::Regenerate { overlapping } => {
                if let Answer::Value(value) = answer {
                    after.previous = overlapping.then_some(self.current);
                    after.current = *value;
                }
                // Whichever value it is, it is a new one.
                if matches!(answer, Answer::Value(_)) { answer.clone() } else { Answer::Value(usize::MAX) }
            }
        };
        (expected, after)
    }

    fn decide(&self, value: usize) -> &'static str {
        if self.deleted || (value != self.current && Some(value) != self.previous) {
            "not_found"
        } else if self.revoked {
            "revoked"
        } else if !self.may_send {
            "insufficient_permissions"
        } else {
            "valid"
        }
    }
}
