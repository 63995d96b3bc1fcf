//! How long requests took, by the bounds of a Prometheus histogram.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::sharded::Sharded;

/// The upper bounds, in seconds: from a decision in memory to the longest wait. The last is none: it is written `+Inf`.
const BOUNDS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0, f64::INFINITY];

/// A histogram on which every request counts: without a lock, which the histogram of `prometheus_client` has.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestSeconds(Arc<Sharded<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    /// Those up to each bound and above the one before.
    by_bound: [AtomicU64; BOUNDS.len()],
    nanoseconds: AtomicU64,
}

impl RequestSeconds {
    /// Counts a request.
    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let (counts, place) = self.0.own();
        let within = BOUNDS.iter().zip(&counts.by_bound).find(|(bound, _)| seconds <= **bound);
        if let Some((_, count)) = within {
            place.add(count, 1);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        place.add(&counts.nanoseconds, nanoseconds);
    }

    /// The bounds, and how many requests are up to each and above the one before.
    fn buckets(&self) -> [(f64, u64); BOUNDS.len()] {
        let mut buckets = BOUNDS.map(|bound| (bound, 0));
        for counts in self.0.each() {
            for ((_, sum), count) in buckets.iter_mut().zip(&counts.by_bound) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        buckets
    }
}

impl EncodeMetric for RequestSeconds {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let buckets = self.buckets();
        let count = buckets.iter().map(|(_, count)| count).sum();
        // In whole nanoseconds, so that a sum of years is as exact as one of a second.
        let nanoseconds: u64 = self.0.each().map(|counts| counts.nanoseconds.load(Ordering::Relaxed)).sum();
        let seconds = Duration::from_nanos(nanoseconds).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for RequestSeconds {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::registry::{Metric, Registry};

    use super::*;

    fn page(metric: impl Metric) -> String {
        let (mut page, mut registry) = (String::new(), Registry::default());
        registry.register("seconds", "Seconds", metric);
        text::encode(&mut page, &registry).unwrap();
        page
    }

    #[test]
    fn its_page_is_that_of_the_librarys_histogram() {
        let (own, library) = (RequestSeconds::default(), Histogram::new(BOUNDS.into_iter().take(12)));
        assert_eq!(page(own.clone()), page(library.clone()));
        // Sums that are exact in binary.
        for took in [0, 31_250, 250_000, 500_000, 62_500_000, 1_000_000_000, 30_000_000_000, 64_000_000_000] {
            let took = Duration::from_nanos(took);
            own.observe(took);
            library.observe(took.as_secs_f64());
        }
        assert_eq!(page(own), page(library));
    }
}
