/// The commands of a Markdown page that a reader can paste, with what they print.
///
/// They stand between the lines `<!-- walk -->` and `<!-- /walk -->`: fenced `sh` blocks, each followed by a `text` block
/// with what it prints, or by none if it prints nothing. In a `text` block `…` stands for anything within its line.
/// Whatever does not fit this form is an error, so that no block is passed over in silence.
#[derive(Debug, PartialEq, Eq)]
pub struct Walk {
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// One `sh` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it begins in the page, from 1.
    pub line: usize,
    /// The commands.
    pub script: String,
    /// What they print.
    pub expected: String,
}

/// A page that does not have the form of a walk. Lines count from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// There is not exactly one line `<!-- walk -->` with one line `<!-- /walk -->` after it.
    #[error("the page needs one line <!-- walk --> and one line <!-- /walk --> after it")]
    Markers,
    /// A fence that is neither ```` ```sh ```` nor ```` ```text ````, stands indented or is made of tildes.
    #[error("line {0}: a block in a walk begins with ```sh or ```text, not indented")]
    Fence(usize),
    /// A block that nothing ends before the walk does.
    #[error("line {0}: the block that begins here has no end within the walk")]
    Unclosed(usize),
    /// A `text` block that does not follow an `sh` block.
    #[error("line {0}: no commands print this; put it after the sh block that does")]
    Orphan(usize),
    /// A walk without an `sh` block.
    #[error("the walk has no steps")]
    Empty,
}

const BEGIN: &str = "<!-- walk -->";
const END: &str = "<!-- /walk -->";

impl Walk {
    /// Reads the walk of a page.
    ///
    /// # Errors
    ///
    /// The first [`WalkError`] in the page.
    pub fn parse(page: &str) -> Result<Self, WalkError> {
        let mut lines = (1..).zip(page.lines()).skip_while(|(_, line)| *line != BEGIN).skip(1);
        let markers = |marker: &str| page.lines().filter(|line| line.contains(marker)).count();
        if (markers(BEGIN), markers(END)) != (1, 1) {
            return Err(WalkError::Markers);
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut awaits_text = false;
        while let Some((number, line)) = lines.next() {
            match line {
                END => return if steps.is_empty() { Err(WalkError::Empty) } else { Ok(Self { steps }) },
                "```sh" => {
                    let script = block(number, &mut lines)?;
                    steps.push(Step { line: number, script, expected: String::new() });
                    awaits_text = true;
                }
                "```text" => match steps.last_mut() {
                    Some(step) if awaits_text => {
                        step.expected = block(number, &mut lines)?;
                        awaits_text = false;
                    }
                    _ => return Err(WalkError::Orphan(number)),
                },
                line if line.contains("```") || line.contains("~~~") => return Err(WalkError::Fence(number)),
                _ => {}
            }
        }
        Err(WalkError::Markers)
    }
}

impl Step {
    /// Whether this is what the step prints.
    pub fn prints(&self, output: &str) -> bool {
        let (expected, output): (Vec<&str>, Vec<&str>) =
            (self.expected.lines().collect(), output.lines().collect());
        expected.len() == output.len()
            && expected.iter().zip(output).all(|(pattern, line)| matches(pattern, line))
    }
}

/// The lines up to the end of the block that begins at the line `number`.
fn block<'a>(number: usize, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<String, WalkError> {
    let mut text = String::new();
    for (_, line) in lines {
        match line {
            "```" => return Ok(text),
            END => break,
            line => text.extend([line, "\n"]),
        }
    }
    Err(WalkError::Unclosed(number))
}

/// Whether the line is the pattern, where `…` is any text, or none.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(lines: &[&str]) -> Result<Walk, WalkError> {
        Walk::parse(&lines.join("\n"))
    }

    #[test]
    fn blocks_between_the_markers_are_steps_and_others_are_not() {
        let page = [
            "```sh", "before", "```", BEGIN, "# Title", "```sh", "one", "", "two", "```", "Prose.",
            "```text", "1", "```", "```sh", "three", "```", END, "```sh", "after", "```",
        ];
        let steps = walk(&page).unwrap().steps;
        assert_eq!(
            steps,
            [
                Step { line: 6, script: "one\n\ntwo\n".to_owned(), expected: "1\n".to_owned() },
                Step { line: 15, script: "three\n".to_owned(), expected: String::new() },
            ]
        );
    }

    #[test]
    fn what_has_another_form_is_refused() {
        for (page, error) in [
            (&["```sh", "a", "```"][..], WalkError::Markers),
            (&[BEGIN, "```sh", "a", "```"], WalkError::Markers),
            (&[END, "```sh", "a", "```", BEGIN], WalkError::Markers),
            (&[BEGIN, "```sh", "a", "```", END, BEGIN, END], WalkError::Markers),
            (&[" <!-- walk -->", "```sh", "a", "```", END], WalkError::Markers),
            (&[BEGIN, "nothing", END], WalkError::Empty),
            (&[BEGIN, "```sh", "a", END], WalkError::Unclosed(2)),
            (&[BEGIN, "```sh", "a", "```", "```text", "b", END], WalkError::Unclosed(5)),
            (&[BEGIN, "```text", "a", "```", END], WalkError::Orphan(2)),
            (
                &[BEGIN, "```sh", "a", "```", "```text", "b", "```", "```text", "c", "```", END],
                WalkError::Orphan(8),
            ),
            (&[BEGIN, "```bash", "a", "```", END], WalkError::Fence(2)),
            (&[BEGIN, "```", "a", "```", END], WalkError::Fence(2)),
            (&[BEGIN, "  ```sh", "a", "  ```", END], WalkError::Fence(2)),
            (&[BEGIN, "~~~sh", "a", "~~~", END], WalkError::Fence(2)),
            (&[BEGIN, "```sh ", "a", "```", END], WalkError::Fence(2)),
        ] {
            assert_eq!(walk(page), Err(error), "{page:?}");
        }
    }

    #[test]
    fn an_ellipsis_is_any_text_within_its_line() {
        for (pattern, line, matched) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a", "", false),
            ("…", "", true),
            ("…", "anything", true),
            ("a…c", "abbc", true),
            ("a…c", "ac", true),
            ("a…c", "acd", false),
            ("a…b…c", "a1b2c", true),
            ("a…b…c", "a1c2c", false),
            ("aa…aa", "aaa", false),
        ] {
            assert_eq!(matches(pattern, line), matched, "{pattern} {line}");
        }
    }

    #[test]
    fn a_step_prints_all_its_lines_and_no_more() {
        let step = Step { line: 1, script: String::new(), expected: "a…\nb\n".to_owned() };
        assert!(step.prints("a1\nb\n"));
        assert!(!step.prints("a1\n"));
        assert!(!step.prints("a1\nb\nc\n"));
        assert!(!step.prints("a1\n2\nb\n"));
        let silent = Step { expected: String::new(), ..step };
        assert!(silent.prints("") && !silent.prints("x\n"));
    }
}
