//! A route table: lines of a method and a pattern up to an empty one, then lines of a method and a target that are held
//! against it.

use http::HeaderMap;
use qwetty_authz::Catalogue;
use qwetty_guard::{ChannelSource, Route, RouteTable};

pub(crate) const WORDS: &[&str] = &[
    "GET /",
    "POST /",
    "\n\n",
    "\n",
    "/{id}",
    "/{*rest}",
    "{",
    "}",
    "*",
    ":",
    "/a",
    "/A",
    "/a.json",
    ";x",
    "%2e",
    "%2F",
    "%61",
    "%C3%BC",
    "..",
    "//",
    "?",
    "#",
    "\\",
    "\0",
    "?channelId=wa-1",
];

const ROWS: usize = 12;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (rows, targets) = text.split_once("\n\n").unwrap_or((&text, ""));
    let rows: Vec<(&str, &str)> = rows.split('\n').take(ROWS).filter_map(|row| row.split_once(' ')).collect();
    // Each row asks for a permission of its own, which tells which row it was.
    let names: Vec<String> = (0..ROWS).map(|row| format!("row:r{row}")).collect();
    let catalogue = Catalogue::new(names.iter().map(|name| (name.clone(), "A row"))).unwrap();
    let routes = rows.iter().zip(&names).map(|((method, path), name)| {
        Route::new(*method, *path, [name.clone()]).with_channel(ChannelSource::Query("channelId".to_owned()))
    });
    let Ok(table) = RouteTable::new(routes, &catalogue) else { return };
    for (method, path) in &rows {
        // A pattern without parameters is a path in normal form, so it finds itself unless a row before it does.
        if !path.contains('{') {
            assert!(table.find(method, path.as_bytes(), &HeaderMap::new()).is_ok(), "{method} {path}");
        }
    }
    for (method, target) in targets.split('\n').take(20).filter_map(|line| line.split_once(' ')) {
        let headers = HeaderMap::new();
        let found = table.find(method, target.as_bytes(), &headers).ok();
        let Some(need) = found else { continue };
        let row = rows.iter().position(|(own, path)| *own == method && matches(path, target));
        let expected = row.map(|row| names[row].as_str());
        assert_eq!(need.permissions(), expected.as_slice(), "{method} {target:?} in {rows:?}");
    }
}

/// Whether a pattern matches a target that is allowed: segment by segment, each decoded once.
fn matches(pattern: &str, target: &str) -> bool {
    let path = target.split('?').next().unwrap();
    assert!(target.find('#').is_none(), "a fragment was mapped");
    assert!(path == "/" || path.split('/').skip(1).all(is_normal), "{path:?} was mapped");
    let segments: Vec<&str> = path.split('/').skip(1).filter(|_| path != "/").collect();
    let wanted: Vec<&str> = pattern.split('/').skip(1).filter(|_| pattern != "/").collect();
    let mut segments = segments.iter();
    for wanted in &wanted {
        if wanted.starts_with("{*") {
            return segments.next().is_some();
        }
        let Some(segment) = segments.next() else { return false };
        if !wanted.starts_with('{') && decoded(segment) != decoded(wanted) {
            return false;
        }
    }
    segments.next().is_none()
}

/// Whether every program reads a segment in the same way.
pub(crate) fn is_normal(segment: &str) -> bool {
    let Some(text) = decoded(segment) else { return false };
    let bare = text.split(';').next().unwrap();
    segment.bytes().all(|byte| byte.is_ascii_graphic())
        && !bare.is_empty()
        && bare != "."
        && bare != ".."
        && !text.contains(['/', '\\'])
        && !text.chars().any(char::is_control)
}

/// Percent-decoded once, `None` if it is not UTF-8 in percent-encoding.
pub(crate) fn decoded(segment: &str) -> Option<String> {
    let mut parts = segment.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}
