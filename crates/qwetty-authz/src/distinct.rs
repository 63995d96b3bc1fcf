//! Lists that keep the order of the input.

/// The items without their repetitions, in order, or `None` if more than `most` are left. It stops at the
/// first one too many, so the work per item stays bounded however long a list a stranger sends.
pub(crate) fn distinct<T: PartialEq>(items: Vec<T>, most: usize) -> Option<Vec<T>> {
    let mut kept: Vec<T> = Vec::with_capacity(items.len().min(most));
    for item in items {
        if kept.contains(&item) {
            continue;
        }
        if kept.len() == most {
            return None;
        }
        kept.push(item);
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_of_each_in_order_and_counts_after_collapsing() {
        assert_eq!(distinct(vec![3, 1, 3, 2, 1], 3), Some(vec![3, 1, 2]));
        assert_eq!(distinct(vec![3, 1, 3, 2, 1], 2), None);
        assert_eq!(distinct(vec![7; 1000], 1), Some(vec![7]));
    }
}
