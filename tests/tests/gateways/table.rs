use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/gateways.txt");

const HEADER: &str = "\
# What becomes of a request, whoever decides about it in front of the API: `/authorize` itself, the tower layer, and each
# gateway with its shipped configuration. One word for all; below stands what each does in its own way.
#
# \"refused\" is for what a gateway may turn away by itself, with a status of its own. Whatever is refused, the API never sees.
#
# Written by `QWETTY_BLESS=1 cargo test -p qwetty-tests --test gateways`, which otherwise compares.
";

/// What a subject did.
pub(crate) struct Results {
    pub(crate) subject: &'static str,
    /// Group, name of the case, outcome.
    pub(crate) rows: Vec<(String, String, String)>,
    /// What it may do in a way of its own, and the way.
    pub(crate) manners: Vec<(&'static str, String)>,
    /// What must not be, and was.
    pub(crate) faults: Vec<String>,
}

impl Results {
    /// One more row, if its case held what must hold for all.
    pub(crate) fn add(&mut self, group: &str, name: &str, outcome: Result<String, String>) {
        match outcome {
            Ok(outcome) => self.rows.push((group.to_owned(), name.to_owned(), outcome)),
            Err(fault) => self.faults.push(format!("{group}: {name}: {fault}")),
        }
    }
}

/// Compares what all subjects did with the table, or writes it.
pub(crate) fn compare(all: &[Results]) {
    let first = all.first().expect("at least one subject");
    let rows = rows(first);
    let bless = std::env::var_os("QWETTY_BLESS").is_some_and(|bless| bless == "1");
    let known = std::fs::read_to_string(FILE).unwrap_or_default();
    let mut faults: Vec<String> = Vec::new();
    let expected: BTreeMap<(&str, &str), &str> = if bless {
        first.rows.iter().map(|(group, name, outcome)| ((&**group, &**name), &**outcome)).collect()
    } else {
        read(&known)
    };
    for subject in all {
        faults.extend(subject.faults.iter().map(|fault| format!("{}: {fault}", subject.subject)));
        for (group, name, outcome) in &subject.rows {
            let expected = expected.get(&(group, name)).copied().unwrap_or("not in the table");
            if expected != outcome {
                faults.push(format!("{}: {group}: {name}: {outcome}, not {expected}", subject.subject));
            }
        }
    }
    let manners = manners(all, &known);
    let table = format!("{HEADER}{rows}\n{manners}");
    if bless {
        std::fs::write(FILE, &table).unwrap();
    } else if table != known {
        let lines: Vec<&str> = known.lines().collect();
        let new = table.lines().filter(|line| !lines.contains(line)).map(|line| format!("+ {line}"));
        let gone = lines
            .iter()
            .filter(|line| !table.lines().any(|new| new == **line))
            .map(|line| format!("- {line}"));
        faults.extend(gone.chain(new));
    }
    assert!(faults.is_empty(), "{} in {}:\n{}", faults.len(), Path::new(FILE).display(), faults.join("\n"));
}

const GAP: &str = "  ";

fn rows(results: &Results) -> String {
    let mut text = String::new();
    let mut last = "";
    let width = results.rows.iter().map(|(_, name, _)| name.chars().count()).max().unwrap_or_default();
    for (group, name, outcome) in &results.rows {
        if group != last {
            writeln!(text, "\n## {group}\n").unwrap();
        }
        last = group;
        writeln!(text, "{name:width$}{GAP}{outcome}").unwrap();
    }
    text
}

fn read(table: &str) -> BTreeMap<(&str, &str), &str> {
    let mut group = "";
    let mut rows = BTreeMap::new();
    for line in table.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            group = name;
        } else if let Some((name, outcome)) = line.split_once(GAP) {
            rows.insert((group, name.trim_end()), outcome.trim_start());
        }
    }
    rows
}

const MANNERS: &str = "each in its own way";

/// Those of subjects that were not there stay as they are known.
fn manners(all: &[Results], known: &str) -> String {
    let mut ways: BTreeMap<String, String> = read(known)
        .into_iter()
        .filter(|((group, _), _)| *group == MANNERS)
        .map(|((_, name), way)| (name.to_owned(), way.to_owned()))
        .collect();
    for results in all {
        for (manner, way) in &results.manners {
            ways.insert(format!("{}: {manner}", results.subject), way.clone());
        }
    }
    let width = ways.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    let mut text = format!("## {MANNERS}\n\n");
    for (name, way) in ways {
        writeln!(text, "{name:width$}{GAP}{way}").unwrap();
    }
    text
}
