use serde::ser::{Serialize, SerializeStruct, Serializer};
use utoipa::ToSchema;

use super::{KeyIdText, OrganizationIdText, TimeText, schema};

/// The answer to `POST /verify`. Written field by field: the fields of its parts stand side by side in one object, and
/// what serde has for that costs as much as the decision.
pub(crate) struct VerifyObject<'a> {
    valid: bool,
    code: &'a str,
    subject: Option<VerifySubject<'a>>,
    grants: Option<VerifyGrants<'a>>,
    retry_after: Option<u64>,
}

/// Whose key was presented.
#[derive(ToSchema)]
#[schema(as = VerifiedSubject, rename_all = "camelCase")]
pub(crate) struct VerifySubject<'a> {
    /// The key.
    pub(crate) key_id: KeyIdText,
    /// The organization that owns it.
    pub(crate) organization_id: OrganizationIdText,
    /// What people call the key.
    pub(crate) name: &'a str,
}

/// What an admitted key may do, so that the service can filter by it.
#[derive(ToSchema)]
#[schema(as = VerifiedGrants, rename_all = "camelCase")]
pub(crate) struct VerifyGrants<'a> {
    /// Its permissions, in catalogue order.
    pub(crate) permissions: Vec<&'a str>,
    /// Its channels; null is every channel.
    #[schema(required)]
    pub(crate) channel_scopes: Option<Vec<&'a str>>,
    /// Its tier.
    #[schema(schema_with = schema::tier)]
    pub(crate) tier: &'a str,
    /// When it expires; null is never.
    #[schema(required)]
    pub(crate) expires_at: Option<TimeText>,
    /// What is left of its quota.
    pub(crate) rate_limit: LevelObject,
}

/// What is left of a quota.
#[derive(serde::Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuotaLevel)]
pub(crate) struct LevelObject {
    /// Units in any one window.
    pub(crate) limit: u32,
    /// Units that are free.
    pub(crate) remaining: u32,
    /// The first whole Unix second at which more are.
    pub(crate) reset: i64,
}

impl Serialize for VerifyObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let grants = if self.grants.is_some() { 5 } else { 0 };
        let subject = if self.subject.is_some() { 3 } else { 0 };
        let fields = 2 + subject + grants + usize::from(self.retry_after.is_some());
        let mut object = serializer.serialize_struct("VerifyObject", fields)?;
        object.serialize_field("valid", &self.valid)?;
        object.serialize_field("code", self.code)?;
        if let Some(VerifySubject { key_id, organization_id, name }) = &self.subject {
            object.serialize_field("keyId", key_id)?;
            object.serialize_field("organizationId", organization_id)?;
            object.serialize_field("name", name)?;
        }
        if let Some(grants) = &self.grants {
            let VerifyGrants { permissions, channel_scopes, tier, expires_at, rate_limit } = grants;
            object.serialize_field("permissions", permissions)?;
            object.serialize_field("channelScopes", channel_scopes)?;
            object.serialize_field("tier", tier)?;
            object.serialize_field("expiresAt", expires_at)?;
            object.serialize_field("rateLimit", rate_limit)?;
        }
        if let Some(retry_after) = &self.retry_after {
            object.serialize_field("retryAfter", retry_after)?;
        }
        object.end()
    }
}

impl<'a> VerifyObject<'a> {
    /// The presented key may do what was asked.
    pub(crate) fn allowed(subject: VerifySubject<'a>, grants: VerifyGrants<'a>) -> Self {
        Self { valid: true, code: "valid", subject: Some(subject), grants: Some(grants), retry_after: None }
    }

    /// Nobody's key, or none that the caller may know of.
    pub(crate) fn not_found() -> Self {
        Self { valid: false, code: "not_found", subject: None, grants: None, retry_after: None }
    }

    /// A known key that a check refused; `retry_after` in seconds, where the quota did.
    pub(crate) fn refused(code: &'a str, subject: VerifySubject<'a>, retry_after: Option<u64>) -> Self {
        Self { valid: false, code, subject: Some(subject), grants: None, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use qwetty_keys::{KeyId, OrganizationId};

    use super::super::Text;
    use super::*;

    fn subject() -> VerifySubject<'static> {
        let (key_id, organization_id) = (KeyId::from_u128(1), OrganizationId::from_u128(2));
        VerifySubject { key_id: Text(key_id), organization_id: Text(organization_id), name: "CRM" }
    }

    fn subject_json() -> String {
        let zeros = "0".repeat(25);
        format!(r#""keyId":"key_{zeros}1","organizationId":"org_{zeros}2","name":"CRM""#)
    }

    #[test]
    fn an_admitted_key_goes_out_with_its_grants() {
        let grants = VerifyGrants {
            permissions: vec!["chats:read"],
            channel_scopes: None,
            tier: "standard",
            expires_at: None,
            rate_limit: LevelObject { limit: 1_000, remaining: 999, reset: 1_700_000_000 },
        };
        assert_eq!(
            serde_json::to_string(&VerifyObject::allowed(subject(), grants)).unwrap(),
            format!(
                concat!(
                    r#"{{"valid":true,"code":"valid",{},"permissions":["chats:read"],"channelScopes":null,"#,
                    r#""tier":"standard","expiresAt":null,"#,
                    r#""rateLimit":{{"limit":1000,"remaining":999,"reset":1700000000}}}}"#
                ),
                subject_json()
            )
        );
    }

    #[test]
    fn a_refused_key_goes_out_with_its_name_alone() {
        assert_eq!(
            serde_json::to_string(&VerifyObject::refused("revoked", subject(), None)).unwrap(),
            format!(r#"{{"valid":false,"code":"revoked",{}}}"#, subject_json())
        );
        assert_eq!(
            serde_json::to_string(&VerifyObject::refused("rate_limited", subject(), Some(34))).unwrap(),
            format!(r#"{{"valid":false,"code":"rate_limited",{},"retryAfter":34}}"#, subject_json())
        );
    }

    #[test]
    fn an_unknown_key_goes_out_with_nothing() {
        let text = serde_json::to_string(&VerifyObject::not_found()).unwrap();
        assert_eq!(text, r#"{"valid":false,"code":"not_found"}"#);
    }
}
