use serde::Serialize;
use utoipa::ToSchema;

/// A permission of the catalogue.
#[derive(Serialize, ToSchema)]
#[schema(as = Permission)]
pub(crate) struct PermissionObject<'a> {
    /// The exact name.
    pub(crate) name: &'a str,
    /// What people call it.
    pub(crate) label: &'a str,
    /// Whether it administers this system, rather than the service whose keys these are.
    pub(crate) administration: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_goes_out_with_its_label() {
        let permission =
            PermissionObject { name: "chats:read", label: "Read chats and messages", administration: false };
        assert_eq!(
            serde_json::to_string(&permission).unwrap(),
            r#"{"name":"chats:read","label":"Read chats and messages","administration":false}"#
        );
    }
}
