//! The first start: an organization, its channels and its first keys.

use std::error::Error;

use qwetty::{Caller, IssuedKey, KeyManager, NewKey, Origin, RootKey};
use qwetty_authz::{ChannelScope, Channels, IpPolicy, PermissionSet};
use qwetty_ratelimit::Tier;
use qwetty_storage::ChannelKind;

/// The first keys, with their values: to be shown once.
pub(crate) struct FirstKeys {
    /// May do everything, on every channel.
    pub(crate) root: RootKey,
    /// Reads chats and sends messages, on the channel `wa-sales` alone.
    pub(crate) sales: IssuedKey,
}

/// Sets an empty store up. `None` for one whose root key was announced before.
pub(crate) async fn make(manager: &KeyManager) -> Result<Option<FirstKeys>, Box<dyn Error>> {
    let Some(root) = manager.set_up().await? else {
        return Ok(None);
    };
    // The program answers for whoever starts it, so it acts as the owner.
    let owner = Caller::owner(Origin::default());
    let organization = Some(manager.get(&owner, root.id).await?.record.organization);
    for (id, name, kind) in
        [("wa-sales", "Sales", ChannelKind::Whatsapp), ("ig-shop", "Shop", ChannelKind::Instagram)]
    {
        manager.save_channel(&owner, organization, &id.parse()?, name.parse()?, kind).await?;
    }

    let permissions = ["chats:read".parse()?, "messages:send".parse()?];
    let new = NewKey {
        organization,
        name: "CRM Integration".parse()?,
        description: None,
        permissions: PermissionSet::from_permissions(permissions).ok_or("a key needs a permission")?,
        channels: ChannelScope::Only(Channels::try_from(vec!["wa-sales".parse()?])?),
        networks: IpPolicy::Any,
        expires_at: None,
        tier: Tier::Standard,
    };
    let sales = manager.create(&owner, new).await?;
    Ok(Some(FirstKeys { root, sales }))
}
