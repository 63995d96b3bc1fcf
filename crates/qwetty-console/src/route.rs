//! The table of pages: which path and method leads to which, and what it needs.

use http::Method;
use qwetty_authz::administration::{
    API_KEYS_MANAGE, API_KEYS_READ, AUDIT_READ, CHANNELS_MANAGE, ORGANIZATIONS_MANAGE,
};
use qwetty_guard::PathRow;

/// Everything under this path is the console's.
pub(crate) const ROOT: &str = "/settings";
/// Where people begin: the list of keys.
pub(crate) const HOME: &str = "/settings/api-keys";
/// The one page for whoever is not signed in.
pub(crate) const SIGN_IN: &str = "/settings/sign-in";
/// Where a session is ended.
pub(crate) const SIGN_OUT: &str = "/settings/sign-out";
/// The form for a new key.
pub(crate) const NEW_KEY: &str = "/settings/api-keys/new";
/// An operator's list of organizations.
pub(crate) const ORGANIZATIONS: &str = "/settings/organizations";
/// The form for a new organization.
pub(crate) const NEW_ORGANIZATION: &str = "/settings/organizations/new";
/// The organization's channels.
pub(crate) const CHANNELS: &str = "/settings/channels";
/// The form for a new channel.
pub(crate) const NEW_CHANNEL: &str = "/settings/channels/new";
/// The form that changes a channel.
pub(crate) const EDIT_CHANNEL: &str = "/settings/channels/edit";
/// The page that asks before a channel is removed.
pub(crate) const REMOVE_CHANNEL: &str = "/settings/channels/remove";
/// What was done, and by whom.
pub(crate) const AUDIT_LOG: &str = "/settings/audit-log";

/// One page, or one thing to do.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// A pattern of matchit, with at most one parameter, `{id}`. It is also the label under which the page is counted.
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) page: Page,
}

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Whoever comes.
    Nobody,
    /// Somebody whose key holds this permission, beside `api_keys:read`, which every session needs.
    Permission(&'static str),
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Root,
    Asset,
    SignIn,
    SignInSubmit,
    SignOut,
    KeyList,
    KeyNew,
    KeyCreate,
    Key,
    KeyEdit,
    KeyChange,
    KeyAskToRegenerate,
    KeyRegenerate,
    KeyAskToRevoke,
    KeyRevoke,
    KeyAskToReactivate,
    KeyReactivate,
    KeyAskToDelete,
    KeyDelete,
    OrganizationList,
    OrganizationNew,
    OrganizationCreate,
    Organization,
    OrganizationRename,
    OrganizationSwitch,
    OrganizationDelete,
    ChannelList,
    ChannelNew,
    ChannelAdd,
    ChannelEdit,
    ChannelChange,
    ChannelAskToRemove,
    ChannelRemove,
    AuditLog,
}

use Needs::{Nobody, Permission};

/// The table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: Method::GET, path: ROOT, needs: Nobody, page: Page::Root },
    Route { method: Method::GET, path: "/settings/assets/{id}", needs: Nobody, page: Page::Asset },
    Route { method: Method::GET, path: SIGN_IN, needs: Nobody, page: Page::SignIn },
    Route { method: Method::POST, path: SIGN_IN, needs: Nobody, page: Page::SignInSubmit },
    Route { method: Method::POST, path: SIGN_OUT, needs: Nobody, page: Page::SignOut },
    Route { method: Method::GET, path: HOME, needs: Permission(API_KEYS_READ), page: Page::KeyList },
    Route { method: Method::GET, path: NEW_KEY, needs: Permission(API_KEYS_MANAGE), page: Page::KeyNew },
    Route { method: Method::POST, path: NEW_KEY, needs: Permission(API_KEYS_MANAGE), page: Page::KeyCreate },
    Route {
        method: Method::GET,
        path: "/settings/api-keys/{id}",
        needs: Permission(API_KEYS_READ),
        page: Page::Key,
    },
    Route {
        method: Method::GET,
        path: "/settings/api-keys/{id}/edit",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyEdit,
    },
    Route {
        method: Method::POST,
        path: "/settings/api-keys/{id}/edit",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyChange,
    },
    Route {
        method: Method::GET,
        path: "/settings/api-keys/{id}/regenerate",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyAskToRegenerate,
    },
    Route {
        method: Method::POST,
        path: "/settings/api-keys/{id}/regenerate",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyRegenerate,
    },
    Route {
        method: Method::GET,
        path: "/settings/api-keys/{id}/revoke",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyAskToRevoke,
    },
    Route {
        method: Method::POST,
        path: "/settings/api-keys/{id}/revoke",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyRevoke,
    },
    Route {
        method: Method::GET,
        path: "/settings/api-keys/{id}/reactivate",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyAskToReactivate,
    },
    Route {
        method: Method::POST,
        path: "/settings/api-keys/{id}/reactivate",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyReactivate,
    },
    Route {
        method: Method::GET,
        path: "/settings/api-keys/{id}/delete",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyAskToDelete,
    },
    Route {
        method: Method::POST,
        path: "/settings/api-keys/{id}/delete",
        needs: Permission(API_KEYS_MANAGE),
        page: Page::KeyDelete,
    },
    Route {
        method: Method::GET,
        path: ORGANIZATIONS,
        needs: Permission(ORGANIZATIONS_MANAGE),
        page: Page::OrganizationList,
    },
    Route {
        method: Method::GET,
        path: NEW_ORGANIZATION,
        needs: Permission(ORGANIZATIONS_MANAGE),
        page: Page::OrganizationNew,
    },
    Route {
        method: Method::POST,
        path: NEW_ORGANIZATION,
        needs: Permission(ORGANIZATIONS_MANAGE),
        page: Page::OrganizationCreate,
    },
    Route {
        method: Method::GET,
        path: "/settings/organizations/{id}",
        needs: Permission(ORGANIZATIONS_MANAGE),
        page: Page::Organization,
    },
    Route {
        method: Method::POST,
        path: "/settings/organizations/{id}",
        needs: Permission(ORGANIZATIONS_MANAGE),
        page: Page::OrganizationRename,
    },
    Route {
        method: Method::POST,
        path: "/settings/organizations/{id}/switch",
        needs: Permission(ORGANIZATIONS_MANAGE),
        page: Page::OrganizationSwitch,
    },
    Route {
        method: Method::POST,
        path: "/settings/organizations/{id}/delete",
        needs: Permission(ORGANIZATIONS_MANAGE),
        page: Page::OrganizationDelete,
    },
    Route { method: Method::GET, path: CHANNELS, needs: Permission(API_KEYS_READ), page: Page::ChannelList },
    Route {
        method: Method::GET,
        path: NEW_CHANNEL,
        needs: Permission(CHANNELS_MANAGE),
        page: Page::ChannelNew,
    },
    Route {
        method: Method::POST,
        path: NEW_CHANNEL,
        needs: Permission(CHANNELS_MANAGE),
        page: Page::ChannelAdd,
    },
    Route {
        method: Method::GET,
        path: EDIT_CHANNEL,
        needs: Permission(CHANNELS_MANAGE),
        page: Page::ChannelEdit,
    },
    Route {
        method: Method::POST,
        path: EDIT_CHANNEL,
        needs: Permission(CHANNELS_MANAGE),
        page: Page::ChannelChange,
    },
    Route {
        method: Method::GET,
        path: REMOVE_CHANNEL,
        needs: Permission(CHANNELS_MANAGE),
        page: Page::ChannelAskToRemove,
    },
    Route {
        method: Method::POST,
        path: REMOVE_CHANNEL,
        needs: Permission(CHANNELS_MANAGE),
        page: Page::ChannelRemove,
    },
    Route { method: Method::GET, path: AUDIT_LOG, needs: Permission(AUDIT_READ), page: Page::AuditLog },
];

impl PathRow for Route {
    fn path(&self) -> &'static str {
        self.path
    }

    fn methods(&self) -> &[Method] {
        std::slice::from_ref(&self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qwetty_guard::PathTable;

    #[test]
    fn every_route_is_found_by_its_own_method_and_path() {
        let table = PathTable::new(ROUTES).unwrap();
        for route in ROUTES {
            let found = table.route(&route.method, &route.path.replace("{id}", "x")).unwrap();
            assert_eq!(found.row.page, route.page, "{} {}", route.method, route.path);
            assert!(route.path.starts_with(ROOT));
        }
    }
}
