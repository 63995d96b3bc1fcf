//! The settings in the environment.

use std::ffi::OsString;

use crate::config_error::ConfigError;
use crate::layer::Layer;
use crate::setting::{Form, Origin, Setting};

/// The variable that names the configuration file.
pub(crate) const CONFIG: &str = "QWETTY_CONFIG";
/// The variable that chooses what is logged.
pub(crate) const LOG: &str = "QWETTY_LOG";
const PREFIX: &str = "QWETTY_";
/// From this length on a name is long, and another one within three slips of it no other word.
const LONG: usize = 17;

/// The variables that begin with `QWETTY_`. An empty one counts as unset.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    variables: Vec<(String, OsString)>,
}

impl Environment {
    pub(crate) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables = variables
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        Self { variables }
    }

    /// The text of one variable.
    ///
    /// # Errors
    ///
    /// It is set, and not UTF-8.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, ConfigError> {
        let Some((_, value)) = self.variables.iter().find(|(each, _)| each == name) else { return Ok(None) };
        let text = value.to_str().ok_or_else(|| malformed(name, "the value is not UTF-8 text".to_owned()))?;
        Ok(Some(text))
    }

    /// The settings, each from its variable.
    ///
    /// # Errors
    ///
    /// The first variable whose name is a setting's misspelled, or whose value its setting does not take.
    pub(crate) fn layer(&self) -> Result<Layer, ConfigError> {
        if let Some((name, meant)) = self.unknown().find_map(|name| Some((name, nearly(name)?))) {
            return Err(ConfigError::Misspelled { origin: Origin::Variable(name.to_owned()), meant });
        }
        let mut layer = Layer::default();
        for setting in Setting::ALL {
            let name = setting.variable();
            let Some(text) = self.text(name)? else { continue };
            let values: Vec<&str> = match setting.form() {
                Form::List => text.split(',').map(str::trim).collect(),
                Form::Text | Form::Number => vec![text],
            };
            layer.set(setting, &values).map_err(|fault| malformed(name, fault))?;
        }
        Ok(layer)
    }

    /// The variables that look like ours and mean nothing. Orchestrators inject such (`QWETTY_SERVICE_HOST`), so
    /// they are no errors, unless they are nearly the name of a setting.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.variables
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !known().any(|known| known == *name))
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    Setting::ALL.into_iter().map(Setting::variable).chain([CONFIG, LOG])
}

/// The variable that was probably meant: one that two slips of the hand turn into this, three if it is long.
fn nearly(name: &str) -> Option<&'static str> {
    let slips = |known: &str| if known.len() < LONG { 2 } else { 3 };
    known().find(|known| strsim::osa_distance(known, name) <= slips(known))
}

fn malformed(name: &str, fault: String) -> ConfigError {
    ConfigError::Malformed { origin: Origin::Variable(name.to_owned()), fault }
}
