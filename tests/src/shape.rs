use serde_json::Value;

/// The members of a key, contract section 2.
const KEY: [&str; 22] = [
    "id",
    "organizationId",
    "name",
    "description",
    "start",
    "status",
    "permissions",
    "channelScopes",
    "ipWhitelist",
    "tier",
    "rateLimit",
    "expiresAt",
    "createdAt",
    "updatedAt",
    "createdBy",
    "revokedAt",
    "revocationReason",
    "regeneratedAt",
    "previousValueExpiresAt",
    "previousValueLastUsedAt",
    "usage",
    "key",
];

/// Asserts that this is a key as the contract writes it: every member, no other, each of its form. It has its value if
/// `with_value`, and not otherwise.
pub fn assert_key(key: &Value, with_value: bool) {
    let expected = &KEY[..KEY.len() - usize::from(!with_value)];
    assert_members(key, expected);
    assert_id(&key["id"], "key_");
    assert_id(&key["organizationId"], "org_");
    let start = key["start"].as_str().unwrap();
    assert!(start.len() == 8 && start.starts_with("qwt_"), "{start}");
    if with_value {
        assert!(key["key"].as_str().unwrap().starts_with(start));
    }
    if !key["createdBy"].is_null() {
        assert_id(&key["createdBy"], "key_");
    }
    assert_members(&key["rateLimit"], &["limit", "windowSeconds"]);
    assert_members(&key["usage"], &["requestCount", "deniedCount", "lastUsedAt"]);
    assert!(key["usage"]["requestCount"].is_u64() && key["usage"]["deniedCount"].is_u64());
    for member in ["createdAt", "updatedAt"] {
        assert_time(&key[member]);
    }
    let optional =
        ["expiresAt", "revokedAt", "regeneratedAt", "previousValueExpiresAt", "previousValueLastUsedAt"];
    for time in optional.map(|member| &key[member]).into_iter().chain([&key["usage"]["lastUsedAt"]]) {
        if !time.is_null() {
            assert_time(time);
        }
    }
}

/// Asserts that this is a time as the contract writes it: RFC 3339 in UTC, ending in `Z`.
pub fn assert_time(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    let parsed = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
    assert!(parsed.is_ok() && text.ends_with('Z'), "{text}");
}

fn assert_id(value: &Value, prefix: &str) {
    let rest = value.as_str().and_then(|id| id.strip_prefix(prefix)).unwrap_or_default();
    let unique = rest.len() >= 20 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    assert!(unique, "{value} is no id with the prefix {prefix}");
}

fn assert_members(object: &Value, expected: &[&str]) {
    let mut members: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = expected.to_vec();
    members.sort_unstable();
    expected.sort_unstable();
    assert_eq!(members, expected);
}
