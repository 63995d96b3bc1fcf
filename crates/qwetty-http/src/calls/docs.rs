use bytes::Bytes;
use http::Response;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http_body_util::Full;
use qwetty::Engine;
use qwetty_guard::Problem;

use crate::api::{Admitted, Answered, Api};
use crate::openapi::{self, Facts};
use crate::reference::{self, error_page, reference_page};

/// The pages may load their style sheet, and nothing else from anywhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the interface tells about itself, made once.
pub(crate) struct Docs {
    description: Bytes,
    reference: Bytes,
    errors: Bytes,
}

impl Docs {
    /// The documents of an engine: its permissions and quotas are in them.
    pub(crate) fn of(engine: &Engine) -> Self {
        let document = openapi::document(Facts { catalogue: engine.catalogue(), quotas: engine.quotas() });
        Self {
            description: document.to_string().into(),
            reference: reference_page(&document).into(),
            errors: error_page().into(),
        }
    }
}

/// `GET /openapi.json`
pub(crate) fn description(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    served(admitted, "application/json", &api.docs.description)
}

/// `GET /docs`
pub(crate) fn reference(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    served(admitted, "text/html; charset=utf-8", &api.docs.reference)
}

/// `GET /docs/errors`
pub(crate) fn errors(api: &Api, admitted: Admitted<'_>) -> Result<Answered, Problem> {
    served(admitted, "text/html; charset=utf-8", &api.docs.errors)
}

/// `GET /docs/style.css`
pub(crate) fn style(admitted: Admitted<'_>) -> Result<Answered, Problem> {
    served(admitted, "text/css; charset=utf-8", &Bytes::from_static(reference::STYLE.as_bytes()))
}

fn served(admitted: Admitted<'_>, media_type: &'static str, document: &Bytes) -> Result<Answered, Problem> {
    admitted.query.finish()?;
    let mut response = Response::new(Full::from(document.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response.into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{Request, StatusCode};
    use http_body_util::{BodyExt, Empty};
    use qwetty_storage::MemoryStore;

    use super::*;
    use crate::api::tests::api_over;

    async fn get(uri: &str) -> Response<Full<Bytes>> {
        let api = api_over(&Arc::new(MemoryStore::new()));
        let request = Request::get(uri).header("host", "a").body(Empty::<Bytes>::new()).unwrap();
        api.handle(request, "127.0.0.1:9".parse().unwrap()).await.response
    }

    #[tokio::test]
    async fn the_documents_are_anyone_s_and_no_browser_takes_them_for_more() {
        for (uri, media_type) in [
            ("/openapi.json", "application/json"),
            ("/docs", "text/html; charset=utf-8"),
            ("/docs/errors", "text/html; charset=utf-8"),
            ("/docs/style.css", "text/css; charset=utf-8"),
        ] {
            let response = get(uri).await;
            assert_eq!(response.status(), StatusCode::OK, "{uri}");
            assert_eq!(response.headers()[CONTENT_TYPE], media_type);
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'"), "{policy}");
            assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty(), "{uri}");
        }
    }

    #[tokio::test]
    async fn the_description_is_openapi_3_1() {
        let body = get("/openapi.json").await.into_body().collect().await.unwrap().to_bytes();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[tokio::test]
    async fn a_parameter_is_refused_here_too() {
        assert_eq!(get("/docs?page=1").await.status(), StatusCode::BAD_REQUEST);
    }
}
