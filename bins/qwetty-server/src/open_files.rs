//! The system's limit on the files that this process may have open; every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// What is open beside the connections of clients: the database, the runtime, the listeners, the scrapers of metrics, and
/// some room.
const BESIDE_CONNECTIONS: u64 = 48;

/// Makes room for so many connections, as far as this process may raise its own limit, and answers how many there is
/// room for: more than that would take the database's files from it.
pub(crate) fn room_for(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = raised(&limit, connections);
    let in_force = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(error) => {
            debug!(%error, "cannot raise the limit on open files");
            limit.current
        }
    };
    let room = room(in_force, connections);
    if room < connections {
        warn!(
            "at most {room} connections at a time, not {connections}: the limit on open files allows no more; raise it \
             (ulimit -n {}, LimitNOFILE= of systemd) or set max_connections lower",
            files_for(connections)
        );
    }
    room
}

fn files_for(connections: usize) -> u64 {
    u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(BESIDE_CONNECTIONS)
}

/// `limit` with its soft half as high as needed and allowed. `None` is without limit.
fn raised(limit: &Rlimit, connections: usize) -> Rlimit {
    let allowed = |files: u64| limit.maximum.map_or(files, |maximum| files.min(maximum));
    let current = limit.current.map(|current| current.max(allowed(files_for(connections))));
    Rlimit { current, maximum: limit.maximum }
}

/// At least one, so that a server that starts can be asked.
fn room(limit: Option<u64>, connections: usize) -> usize {
    let Some(limit) = limit else { return connections };
    let room = usize::try_from(limit.saturating_sub(BESIDE_CONNECTIONS)).unwrap_or(usize::MAX);
    room.max(1).min(connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(current: Option<u64>, maximum: Option<u64>) -> Rlimit {
        Rlimit { current, maximum }
    }

    #[test]
    fn a_limit_is_raised_as_far_as_needed_and_allowed_and_never_lowered() {
        for (current, maximum, expected) in [
            (Some(1024), Some(1_000_000), Some(10_048)),
            (Some(1024), None, Some(10_048)),
            (Some(1024), Some(4096), Some(4096)),
            (Some(20_000), Some(20_000), Some(20_000)),
            (None, None, None),
        ] {
            let raised = raised(&limit(current, maximum), 10_000);
            assert_eq!((raised.current, raised.maximum), (expected, maximum));
        }
    }

    #[test]
    fn connections_leave_room_for_the_database() {
        for (limit, expected) in
            [(None, 10_000), (Some(10_048), 10_000), (Some(1024), 976), (Some(49), 1), (Some(10), 1)]
        {
            assert_eq!(room(limit, 10_000), expected, "{limit:?}");
        }
    }
}
