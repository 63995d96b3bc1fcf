use qwetty::KeyView;
use qwetty_authz::{ChannelScope, Grants, IpPolicy, Network, Networks, Permission, PermissionGrant};
use qwetty_keys::{OrganizationId, Timestamp};

use super::abilities::labels;
use super::channels::KnownChannels;
use super::draft::Draft;
use super::judged::{Judged, Until};
use crate::pages::faults::Faults;
use crate::refusal::Refusal;
use crate::view::time;
use crate::visit::Visit;

/// In what a key of the form would exceed the visitor's own: in everything at once, where the engine names the first that
/// it meets. It decides nothing; it says beside the fields what the engine refuses.
pub(super) struct Excesses<'a> {
    pub(super) visit: &'a Visit<'a>,
    /// Whose channels the form offers.
    pub(super) organization: OrganizationId,
    pub(super) draft: &'a Draft,
    /// What breaks a rule of its own exceeds nothing.
    pub(super) judged: &'a Judged,
    /// The key that the form would change.
    pub(super) as_it_is: Option<&'a KeyView>,
}

impl Excesses<'_> {
    /// Says each beside its field.
    pub(super) async fn tell(&self, faults: &mut Faults) -> Result<(), Refusal> {
        let channels = self.channels().await?;
        let told = [
            ("permissions", self.permissions()),
            ("channels", channels),
            ("whitelist", self.networks()),
            ("tier", self.tier()),
            ("expiry", self.expiry()),
        ];
        for (field, what) in told {
            if let Some(what) = what {
                faults.add(field, format_args!("more than your own key may: {what}"));
            }
        }
        Ok(())
    }

    fn permissions(&self) -> Option<String> {
        let wanted = self.judged.permissions.as_ref()?;
        if !self.exceeds(|grants| grants.access.permissions = PermissionGrant::Only(wanted.clone())) {
            return None;
        }
        let lacking: Vec<Permission> =
            wanted.iter().filter(|wanted| !self.visit.may(wanted.as_str())).cloned().collect();
        Some(labels(self.visit.catalogue(), &lacking).join(", "))
    }

    async fn channels(&self) -> Result<Option<String>, Refusal> {
        let Some(wanted) = &self.judged.channels else { return Ok(None) };
        if !self.exceeds(|grants| grants.access.channels = wanted.clone()) {
            return Ok(None);
        }
        let ChannelScope::Only(wanted) = wanted else { return Ok(Some("every channel".to_owned())) };
        let known = KnownChannels::of(self.visit, self.organization).await?;
        let mine = &self.visit.key.access().channels;
        let lacking = wanted.iter().filter(|id| !mine.allows(id.as_str())).map(|id| known.name(id));
        Ok(Some(lacking.collect::<Vec<_>>().join(", ")))
    }

    fn networks(&self) -> Option<String> {
        let wanted = self.judged.networks.as_ref()?;
        if !self.exceeds(|grants| grants.access.networks = wanted.clone()) {
            return None;
        }
        let IpPolicy::Only(wanted) = wanted else { return Some("every address".to_owned()) };
        let lacking = wanted.iter().filter(|network| self.is_beyond(network)).map(ToString::to_string);
        Some(lacking.collect::<Vec<_>>().join(", "))
    }

    fn is_beyond(&self, network: &Network) -> bool {
        let only = Networks::try_from(vec![*network]).map(IpPolicy::Only);
        only.is_ok_and(|only| self.exceeds(|grants| grants.access.networks = only))
    }

    fn tier(&self) -> Option<String> {
        let kept = self.as_it_is.map(|key| key.record.tier);
        let wanted = self.draft.tier.or(kept).unwrap_or_default();
        self.exceeds(|grants| grants.tier_rank = wanted.rank()).then(|| format!("the tier {wanted}"))
    }

    fn expiry(&self) -> Option<String> {
        let wanted = match self.judged.until? {
            Until::Kept => self.as_it_is.and_then(|key| key.record.lifecycle.expires_at()),
            Until::Never => None,
            Until::At(at) => Some(at),
        };
        if !self.exceeds(|grants| grants.expires_at = wanted.map(Timestamp::to_offset_date_time)) {
            return None;
        }
        let mine = self.visit.key.expires_at()?;
        Some(format!("it ends on {}", time::exact(mine)))
    }

    /// Whether a key that holds what the visitor's does, but for this, exceeds it.
    fn exceeds(&self, change: impl FnOnce(&mut Grants)) -> bool {
        let mine = self.visit.key.grants();
        let mut wanted = mine.clone();
        change(&mut wanted);
        mine.covers(&wanted).is_err()
    }
}
