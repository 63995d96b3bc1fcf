use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::subject::Subject;

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
    pub(crate) fn of(subject: &'static str) -> Self {
        Self { subject, rows: Vec::new(), manners: Vec::new(), faults: Vec::new() }
    }

    /// More rows of one group, if all of them held.
    pub(crate) fn add_all(&mut self, group: &str, rows: Result<Vec<(String, String)>, String>) {
        match rows {
            Ok(rows) => rows.into_iter().for_each(|(name, outcome)| self.add(group, &name, Ok(outcome))),
            Err(fault) => self.faults.push(format!("{group}: {fault}")),
        }
    }

    /// The row on what was charged.
    pub(crate) fn charges(&mut self, outcome: Result<(), String>) {
        self.add("charges", "each decision", outcome.map(|()| "charged once".to_owned()));
    }

    /// What is known of the subject when all cases have been.
    pub(crate) fn end(&mut self, subject: &Subject) {
        let late = subject.upstream.taken();
        self.faults.extend(late.iter().map(|late| format!("the API got {:?} in the end", late.start)));
        self.manners = subject.manners();
    }

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
    let known = std::fs::read_to_string(FILE).unwrap_or_default();
    let fullest = all.iter().max_by_key(|results| results.rows.len()).expect("there is a subject");
    let rows = rows(fullest);
    // A few of the subjects are no reason to write the table, nor to miss rows in it.
    let whole = std::env::var_os(ONLY).is_none();
    let bless = whole && std::env::var_os("QWETTY_BLESS").is_some_and(|bless| bless == "1");
    let expected = read(if bless { &rows } else { &known });
    let mut faults: Vec<String> = Vec::new();
    for subject in all {
        faults.extend(subject.faults.iter().map(|fault| format!("{}: {fault}", subject.subject)));
        for (group, name, outcome) in &subject.rows {
            let expected = expected.get(&(group, name)).copied();
            if expected != Some(outcome) {
                faults.push(format!("{}: {group}: {name}: {outcome}, not {expected:?}", subject.subject));
            }
        }
    }
    let table = format!("{HEADER}{rows}\n{}", manners(all, &known));
    if bless && faults.is_empty() {
        std::fs::write(FILE, &table).unwrap();
    } else if whole && !bless {
        let (old, new): (Vec<&str>, Vec<&str>) = (known.lines().collect(), table.lines().collect());
        faults.extend(old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}")));
        faults.extend(new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}")));
    }
    assert!(faults.is_empty(), "{} in {}:\n{}", faults.len(), Path::new(FILE).display(), faults.join("\n"));
}

/// The variable that chooses subjects, by a part of their names.
const ONLY: &str = "QWETTY_GATEWAY";

/// Whether a subject is to be tried.
pub(crate) fn chosen(name: &str) -> bool {
    std::env::var(ONLY).map_or(true, |part| name.contains(&part))
}

/// The table as it is kept: outcomes by group and name.
pub(crate) fn known() -> BTreeMap<(String, String), String> {
    let table = std::fs::read_to_string(FILE).unwrap();
    let owned = |((group, name), outcome): ((&str, &str), &str)| {
        ((group.to_owned(), name.to_owned()), outcome.to_owned())
    };
    read(&table).into_iter().map(owned).collect()
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
