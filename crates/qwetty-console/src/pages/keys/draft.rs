use qwetty::KeyView;
use qwetty_authz::{ChannelScope, IpPolicy};
use qwetty_ratelimit::Tier;

use crate::fields::{Fields, FieldsError};

/// What was typed into the form of a key, as it was typed, so that it can be shown again.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) permissions: Vec<String>,
    pub(super) reach: Option<Reach>,
    pub(super) channels: Vec<String>,
    pub(super) whitelist: String,
    pub(super) expiry: Option<Expiry>,
    pub(super) date: String,
    pub(super) tier: Option<Tier>,
}

/// On which channels a key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// On every one, now and later.
    Every,
    /// On those that are ticked.
    Ticked,
}

/// How the end of a key is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// As it is. Only for a key that exists.
    Kept,
    /// So many days from now.
    Days(u16),
    /// When the visitor's key ends.
    Mine,
    /// At the end of a day.
    Date,
    /// Never.
    Never,
}

/// The lengths that are offered, in days.
pub(super) const PRESETS: [u16; 4] = [7, 30, 90, 365];

impl Draft {
    /// What was sent.
    pub(super) fn read(form: &mut Fields) -> Result<Self, FieldsError> {
        Ok(Self {
            name: form.one("name")?.unwrap_or_default(),
            description: unix_lines(&form.one("description")?.unwrap_or_default()),
            permissions: form.all("permissions"),
            reach: form.choice("reach", Reach::parse)?,
            channels: form.all("channels"),
            whitelist: unix_lines(&form.one("whitelist")?.unwrap_or_default()),
            expiry: form.choice("expiry", Expiry::parse)?,
            date: form.one("date")?.unwrap_or_default(),
            tier: form.choice("tier", |text| text.parse().ok())?,
        })
    }

    /// A key as it is.
    pub(super) fn of(key: &KeyView) -> Self {
        let access = &key.record.access;
        let (reach, channels) = match &access.channels {
            ChannelScope::All => (Reach::Every, Vec::new()),
            ChannelScope::Only(channels) => {
                (Reach::Ticked, channels.iter().map(ToString::to_string).collect())
            }
        };
        let description = key.record.description.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            name: key.record.name.to_string(),
            description: unix_lines(&description),
            permissions: key.permissions.iter().map(ToString::to_string).collect(),
            reach: Some(reach),
            channels,
            whitelist: whitelist(&access.networks),
            expiry: Some(Expiry::Kept),
            date: String::new(),
            tier: Some(key.record.tier),
        }
    }
}

impl Reach {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Ticked => "ticked",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Every, Self::Ticked].into_iter().find(|reach| reach.as_str() == text)
    }
}

impl Expiry {
    /// Its name in the form.
    pub(super) fn value(self) -> String {
        match self {
            Self::Kept => "kept".to_owned(),
            Self::Days(days) => days.to_string(),
            Self::Mine => "mine".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Never => "never".to_owned(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let others = [Self::Kept, Self::Mine, Self::Date, Self::Never];
        PRESETS.map(Self::Days).into_iter().chain(others).find(|expiry| expiry.value() == text)
    }
}

/// Networks as they are typed, one a line.
pub(super) fn whitelist(networks: &IpPolicy) -> String {
    match networks {
        IpPolicy::Any => String::new(),
        IpPolicy::Only(networks) => networks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

/// Browsers send line breaks as CR LF, whatever was in the text area before.
fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}
