//! Where to go on after a sign-in.

use percent_encoding::percent_decode_str;

use crate::misplaced;
use crate::route::{HOME, ROOT, SIGN_IN};

/// Longest way back, in bytes; a search may be long, and the address of the sign-in page holds it once more.
const MOST: usize = 2_000;

/// A path within the console, with its query: what a sign-in may lead to. Whatever else was asked for leads home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WayBack(String);

impl WayBack {
    /// Reads where to go. Only a path of the console in plain ASCII is taken: no other host, no dot segments, no
    /// backslash, which some take for a slash, and not the sign-in page itself. What may be a key value, put into an
    /// address by mistake, is not repeated.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let asked = text.filter(|text| is_own(text)).unwrap_or(HOME);
        Self(asked.to_owned())
    }

    /// The path, for a `Location` or a hidden field.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of the sign-in page that leads back there.
    pub(crate) fn through_sign_in(&self, reason: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if self.0 != HOME {
            query.append_pair("next", &self.0);
        }
        if !reason.is_empty() {
            query.append_pair("reason", reason);
        }
        let query = query.finish();
        if query.is_empty() { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?{query}") }
    }
}

fn is_own(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    text.len() <= MOST
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#')
        && path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && path.split('/').skip(1).all(|segment| !segment.is_empty() && segment != "." && segment != "..")
        && !path.contains('%')
        && path != SIGN_IN
        && misplaced::end_of_start(&percent_decode_str(text).collect::<Vec<u8>>()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_paths_are_taken() {
        for path in [
            "/settings",
            "/settings/api-keys",
            "/settings/api-keys?search=a%26b&page=2",
            "/settings/api-keys/key_01k9z3b6yqf8r9n2m4t5v6w7x8/edit",
        ] {
            assert_eq!(WayBack::parse(Some(path)).as_str(), path);
        }
    }

    #[test]
    fn whatever_else_leads_home() {
        for path in [
            "",
            "/",
            "https://evil.example/settings",
            "//evil.example/settings",
            "/\\evil.example",
            "/settings/\\evil.example",
            "/settingsx",
            "/settings/../api/v1/me",
            "/settings/./x",
            "/settings//evil.example",
            "/settings/%2e%2e/x",
            "/settings/a b",
            "/settings/a\r\nSet-Cookie: x",
            "/settings/é",
            "/settings/a#b",
            "settings/api-keys",
            "javascript:alert(1)",
            "/settings/sign-in?next=/settings",
        ] {
            assert_eq!(WayBack::parse(Some(path)).as_str(), HOME, "{path}");
        }
        let value = "qwt_00000000000000000000000000000000000000000001c0Dto";
        for path in [
            format!("/settings/{value}"),
            format!("/settings/api-keys?search={value}"),
            format!("/settings/api-keys?search={}", value.to_uppercase().replace('_', "%5F")),
            format!("/settings/api-keys?{}&page=2", value.replace('0', "%30")),
            format!("/settings/api-keys?search={}", &value[..40]),
        ] {
            assert_eq!(WayBack::parse(Some(&path)).as_str(), HOME, "{path}");
        }
        assert_eq!(WayBack::parse(Some(&format!("/settings/{}", "a".repeat(2_000)))).as_str(), HOME);
        assert_eq!(WayBack::parse(None).as_str(), HOME);
    }

    #[test]
    fn a_sign_in_keeps_the_way() {
        let way = WayBack::parse(Some("/settings/api-keys?page=2"));
        assert_eq!(
            way.through_sign_in("ended"),
            "/settings/sign-in?next=%2Fsettings%2Fapi-keys%3Fpage%3D2&reason=ended"
        );
        assert_eq!(WayBack::parse(None).through_sign_in(""), "/settings/sign-in");
    }
}
