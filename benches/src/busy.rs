use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long this process ([`ClockId::ProcessCPUTime`]), or this thread ([`ClockId::ThreadCPUTime`]), was on a processor.
pub fn busy(clock: ClockId) -> Duration {
    clock_gettime(clock).try_into().unwrap()
}
