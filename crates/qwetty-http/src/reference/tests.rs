use qwetty_authz::Catalogue;
use qwetty_guard::ErrorCode;
use qwetty_ratelimit::TierQuotas;

use super::*;
use crate::openapi::{self, Facts};

fn reference() -> String {
    let document =
        openapi::document(Facts { catalogue: &Catalogue::qwetty(), quotas: TierQuotas::default() });
    reference_page(&document)
}

/// Every value of an attribute on a page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn every_call_is_on_the_page() {
    let page = reference();
    for row in ROWS {
        assert!(
            page.contains(&format!("<code>{} {}</code>", row.methods, row.template())),
            "{} {}",
            row.methods,
            row.template()
        );
    }
}

#[test]
fn every_link_leads_to_a_place_that_is_served() {
    let (reference, errors) = (reference(), error_page());
    for (page, own) in [(&reference, "/docs"), (&errors, "/docs/errors")] {
        for link in attributes(page, "href") {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if path.is_empty() { own } else { path };
            assert!(ROWS.iter().any(|row| row.path == path), "{link}");
            let target = if path == "/docs/errors" { &errors } else { &reference };
            assert!(anchor.is_empty() || attributes(target, "id").contains(&anchor), "{link}");
        }
        assert!(
            !page.contains("http")
                && !page.contains("<script")
                && !page.contains(" style=")
                && !page.contains(" src=")
        );
    }
}

#[test]
fn every_code_has_the_anchor_that_its_problems_point_to() {
    let page = error_page();
    let anchors = attributes(&page, "id");
    for code in ErrorCode::ALL {
        assert!(anchors.contains(&code.as_str()), "{code:?}");
    }
}

#[test]
fn a_call_tells_its_body_with_rules_and_its_errors() {
    let page = reference();
    let create = page
        .split(
            "<article \
        id=\"createKey\">",
        )
        .nth(1)
        .unwrap()
        .split("</article>")
        .next()
        .unwrap();
    for part in [
        "<td><code>expiresAt</code> <small>optional</small></td><td>string or null; date-time</td>",
        "<code>exceeds_caller</code>",
        "<code>data.rateLimit.windowSeconds</code>",
        "&quot;ipWhitelist&quot;: [",
        "<code>Location</code>",
    ] {
        assert!(create.contains(part), "{part} is not in {create}");
    }
}

#[test]
fn each_shape_of_a_verdict_has_its_own_fields() {
    let page = reference();
    let verify = page.split("<article id=\"verifyKey\">").nth(1).unwrap().split("</article>").next().unwrap();
    let refused = verify.split("Refused by the quota</th>").nth(1).unwrap().split("<th").next().unwrap();
    assert!(
        refused.contains("<code>rate_limited</code>") && refused.contains("data.retryAfter"),
        "{refused}"
    );
    assert!(!refused.contains("data.tier"), "{refused}");
}
