//! What the server counts. Every label takes one of a fixed set of values, none of them a client's.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::known::Known;
use crate::request_seconds::RequestSeconds;
use crate::sharded::Sharded;

/// A count that every request may add to.
type Count = Counter<u64, Sharded<AtomicU64>>;

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Count>,
    request_seconds: Family<RouteLabels, RequestSeconds>,
    decisions: Family<DecisionLabels, Count>,
    failed_attempts: Family<AttemptLabels, Counter>,
    connections: Gauge,
    known_routes: Known<&'static str, RouteCounters, 64>,
    known_decisions: Known<&'static str, Count, 16>,
}

/// The counters of one route.
#[derive(Debug)]
struct RouteCounters {
    seconds: RequestSeconds,
    requests: Known<u16, Count, 16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    answer: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("qwetty");
        let requests = Family::<RequestLabels, Count>::default();
        let request_seconds = Family::<RouteLabels, RequestSeconds>::default();
        let decisions = Family::<DecisionLabels, Count>::default();
        let failed_attempts = Family::<AttemptLabels, Counter>::default();
        let connections = Gauge::default();
        registry.register("http_requests", "Answered requests, by route and status", requests.clone());
        registry.register(
            "http_request_seconds",
            "Seconds from a request's head to its answer, by route",
            request_seconds.clone(),
        );
        registry.register("decisions", "Decisions on keys, by code", decisions.clone());
        registry.register(
            "failed_attempts",
            "Failed authentication, by how soon it was answered",
            failed_attempts.clone(),
        );
        registry.register("connections", "Open client connections", connections.clone());
        Self {
            registry,
            requests,
            request_seconds,
            decisions,
            failed_attempts,
            connections,
            known_routes: Known::new(),
            known_decisions: Known::new(),
        }
    }

    /// Counts an answered request. `route` is the route's pattern, never the path that was asked for.
    pub(crate) fn request(&self, route: &'static str, status: StatusCode, took: Duration) {
        let of_route = || RouteCounters {
            seconds: self.request_seconds.get_or_create_owned(&RouteLabels { route }),
            requests: Known::new(),
        };
        self.known_routes.with(route, of_route, |counters| {
            counters.seconds.observe(took);
            let status = status.as_u16();
            let of_status = || self.requests.get_or_create_owned(&RequestLabels { route, status });
            counters.requests.with(status, of_status, Count::inc);
        });
    }

    /// Counts a decision on a key.
    pub(crate) fn decision(&self, code: &'static str) {
        let of_code = || self.decisions.get_or_create_owned(&DecisionLabels { code });
        self.known_decisions.with(code, of_code, Count::inc);
    }

    /// Counts a failed authentication.
    pub(crate) fn failed_attempt(&self, answer: &'static str) {
        self.failed_attempts.get_or_create(&AttemptLabels { answer }).inc();
    }

    /// Counts a connection as open until the answer is dropped.
    pub(crate) fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// Everything in the OpenMetrics text format, version 1.0.0.
    pub(crate) fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A connection that is counted as open.
#[derive(Debug)]
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_appear_under_their_names() {
        let metrics = Metrics::new();
        metrics.request("/api/v1/verify", StatusCode::OK, Duration::from_micros(200));
        metrics.request("/api/v1/verify", StatusCode::OK, Duration::from_secs(2));
        metrics.decision("rate_limited");
        metrics.failed_attempt("held");
        let open = metrics.connection();
        drop(metrics.connection());

        let text = metrics.render().unwrap();
        for line in [
            "qwetty_http_requests_total{route=\"/api/v1/verify\",status=\"200\"} 2",
            "qwetty_http_request_seconds_count{route=\"/api/v1/verify\"} 2",
            "qwetty_http_request_seconds_bucket{le=\"0.00025\",route=\"/api/v1/verify\"} 1",
            "qwetty_decisions_total{code=\"rate_limited\"} 1",
            "qwetty_failed_attempts_total{answer=\"held\"} 1",
            "qwetty_connections 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|each| each == line), "{line} is missing in\n{text}");
        }
        drop(open);
    }
}
