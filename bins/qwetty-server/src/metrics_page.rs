//! The metrics listener's only page.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::handler::Handler;
use crate::metrics::Metrics;
use crate::request_body::RequestBody;

const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Answers `GET /metrics`, and 404 to everything else.
pub(crate) struct MetricsPage(pub(crate) Arc<Metrics>);

impl Handler for MetricsPage {
    async fn handle(&self, request: Request<&mut RequestBody>, _: SocketAddr) -> Response<Full<Bytes>> {
        self.answer(request.method(), request.uri().path())
    }

    fn refusal(&self, status: StatusCode) -> Response<Full<Bytes>> {
        respond(status, None, Bytes::new())
    }
}

impl MetricsPage {
    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if path != "/metrics" {
            return respond(StatusCode::NOT_FOUND, None, Bytes::new());
        }
        if method != Method::GET && method != Method::HEAD {
            let allow = (ALLOW, HeaderValue::from_static("GET, HEAD"));
            return respond(StatusCode::METHOD_NOT_ALLOWED, Some(allow), Bytes::new());
        }
        match self.0.render() {
            Ok(text) => respond(StatusCode::OK, Some((CONTENT_TYPE, OPENMETRICS)), text.into()),
            Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR, None, Bytes::new()),
        }
    }
}

fn respond(
    status: StatusCode,
    header: Option<(HeaderName, HeaderValue)>,
    body: Bytes,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().extend(header);
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_page_stands_at_metrics_and_nowhere_else() {
        let page = MetricsPage(Arc::new(Metrics::new()));
        for (method, path, status) in [
            (Method::GET, "/metrics", 200),
            (Method::HEAD, "/metrics", 200),
            (Method::POST, "/metrics", 405),
            (Method::GET, "/", 404),
            (Method::GET, "/metrics/", 404),
            (Method::GET, "/api/v1/me", 404),
        ] {
            assert_eq!(page.answer(&method, path).status(), status, "{method} {path}");
        }
        let response = page.answer(&Method::GET, "/metrics");
        assert_eq!(response.headers()[CONTENT_TYPE], OPENMETRICS);
        let text = response.into_body().collect().await.unwrap().to_bytes();
        assert!(text.ends_with(b"# EOF\n"));
    }
}
