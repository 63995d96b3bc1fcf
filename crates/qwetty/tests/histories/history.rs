use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{Answer, Call, Model};

/// One call, from before it was made until after it was answered, by a clock that counts calls and answers.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    begun: u64,
    ended: u64,
    call: Call,
    answer: Answer,
}

/// Writes down what happens, and keeps the values that were issued.
pub(crate) struct Recorder {
    clock: AtomicU64,
    operations: Mutex<Vec<Operation>>,
    values: Mutex<Vec<String>>,
}

impl Recorder {
    pub(crate) fn new(first_value: String) -> Self {
        Self { clock: AtomicU64::new(0), operations: Mutex::default(), values: Mutex::new(vec![first_value]) }
    }

    pub(crate) fn begin(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn end(&self, begun: u64, call: Call, answer: Answer) {
        let ended = self.clock.fetch_add(1, Ordering::SeqCst);
        self.operations.lock().unwrap().push(Operation { begun, ended, call, answer });
    }

    /// The number of a value that was just issued.
    pub(crate) fn issued(&self, value: &str) -> usize {
        let mut values = self.values.lock().unwrap();
        values.push(value.to_owned());
        values.len() - 1
    }

    pub(crate) fn values(&self) -> Vec<String> {
        self.values.lock().unwrap().clone()
    }

    /// By when the calls began.
    pub(crate) fn history(&self) -> Vec<Operation> {
        let mut operations = self.operations.lock().unwrap().clone();
        operations.sort_by_key(|operation| operation.begun);
        operations
    }
}

/// Whether a history can be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// By making the calls in this order, by their places in the history.
    Found(Vec<usize>),
    None,
}

/// Searches for an order in which the model gives each answer, and in which no call comes before one that was answered
/// before it was made: the algorithm of Wing and Gong (1993), with Lowe's memory of what was tried (2017).
pub(crate) fn order(history: &[Operation], model: Model) -> Order {
    assert!(history.len() <= 64, "the calls made are the bits of a word");
    let mut order = Vec::new();
    let mut tried = HashSet::new();
    if extend(history, 0, model, &mut order, &mut tried) { Order::Found(order) } else { Order::None }
}

fn extend(
    history: &[Operation],
    made: u64,
    model: Model,
    order: &mut Vec<usize>,
    tried: &mut HashSet<(u64, Model)>,
) -> bool {
    if order.len() == history.len() {
        return true;
    }
    if !tried.insert((made, model.clone())) {
        return false;
    }
    let left = || history.iter().enumerate().filter(|(place, _)| made & (1 << place) == 0);
    let Some(first_answer) = left().map(|(_, operation)| operation.ended).min() else { return true };
    for (place, operation) in left().filter(|(_, operation)| operation.begun < first_answer) {
        let Some(after) = model.after(&operation.call, &operation.answer) else { continue };
        order.push(place);
        if extend(history, made | 1 << place, after, order, tried) {
            return true;
        }
        order.pop();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(begun: u64, ended: u64, call: Call, answer: Answer) -> Operation {
        Operation { begun, ended, call, answer }
    }

    fn verify(begun: u64, ended: u64, code: &'static str) -> Operation {
        operation(begun, ended, Call::Verify { value: 0 }, Answer::Code(code))
    }

    #[test]
    fn a_decision_that_races_with_a_loss_goes_either_way_and_a_later_one_does_not() {
        let revoke = || operation(0, 5, Call::Revoke, Answer::Done);
        assert_eq!(order(&[revoke(), verify(1, 2, "valid")], Model::new()), Order::Found(vec![1, 0]));
        assert_eq!(order(&[revoke(), verify(1, 2, "revoked")], Model::new()), Order::Found(vec![0, 1]));
        assert_eq!(order(&[revoke(), verify(6, 7, "valid")], Model::new()), Order::None);
        let back_and_forth = [revoke(), verify(1, 2, "revoked"), verify(3, 4, "valid")];
        assert_eq!(order(&back_and_forth, Model::new()), Order::None);
    }

    #[test]
    fn the_second_of_two_losses_is_one_too() {
        let twice = |code| {
            [
                operation(0, 5, Call::Revoke, Answer::Done),
                operation(1, 2, Call::Revoke, Answer::Done),
                verify(3, 4, code),
            ]
        };
        assert_ne!(order(&twice("revoked"), Model::new()), Order::None);
        assert_eq!(order(&twice("valid"), Model::new()), Order::None);
    }
}
