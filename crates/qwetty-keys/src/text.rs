use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        ///
        /// It holds no control, bidi control (U+202A to U+202E, U+2066 to U+2069) or zero-width (U+200B to U+200D,
        /// U+2060, U+FEFF) character, so that what people see is what it says. Lengths count Unicode characters.
        /// Cloning is cheap.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                $rule.check(text).map(|text| Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

text!(
    /// The name of a key, an organization or a channel: one line of 1 to 100 characters, kept without the white space
    /// around it.
    Name, LINE
);
text!(
    /// What a key is for: up to 500 characters, kept as they are; line breaks are allowed.
    Description, PARAGRAPHS
);
text!(
    /// Why a key was revoked: up to 500 characters, kept as they are; line breaks are allowed.
    RevocationReason, PARAGRAPHS
);

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is left once the white space around it is taken off.
    #[error("must not be empty")]
    Empty,
    /// The text has more characters than it may.
    #[error("must not be longer than {max} characters")]
    TooLong {
        /// How many characters it may have.
        max: usize,
    },
    /// A control, bidi control or zero-width character.
    #[error(
        "must not contain the character U+{:04X}: control, bidi control and zero-width characters are not allowed",
        u32::from(*.character)
    )]
    Forbidden {
        /// The first such character. Show it as its code point, never raw.
        character: char,
    },
}

/// What a kind of text allows.
struct Rule {
    trimmed: bool,
    required: bool,
    max: usize,
    line_breaks: bool,
}

const LINE: Rule = Rule { trimmed: true, required: true, max: 100, line_breaks: false };
const PARAGRAPHS: Rule = Rule { trimmed: false, required: false, max: 500, line_breaks: true };

impl Rule {
    fn check<'a>(&self, text: &'a str) -> Result<&'a str, TextError> {
        let text = if self.trimmed { text.trim() } else { text };
        if self.required && text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.chars().nth(self.max).is_some() {
            return Err(TextError::TooLong { max: self.max });
        }
        let forbidden = |character: &char| {
            is_deceptive(*character) && !(self.line_breaks && matches!(character, '\n' | '\r'))
        };
        match text.chars().find(forbidden) {
            Some(character) => Err(TextError::Forbidden { character }),
            None => Ok(text),
        }
    }
}

/// Characters that people do not see, or that change what they see around them.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
            | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECEPTIVE: [char; 20] = [
        '\0', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}',
        '\u{FEFF}', '\u{202A}', '\u{202B}', '\u{202C}', '\u{202D}', '\u{202E}', '\u{2066}', '\u{2067}',
        '\u{2068}', '\u{2069}',
    ];

    #[test]
    fn a_name_is_trimmed_and_not_empty() {
        assert_eq!("  CRM Integration\t\n".parse::<Name>().unwrap().as_str(), "CRM Integration");
        assert_eq!("".parse::<Name>(), Err(TextError::Empty));
        assert_eq!(" \n\u{3000}".parse::<Name>(), Err(TextError::Empty));
    }

    #[test]
    fn lengths_count_characters_after_trimming() {
        let name = |length| "é".repeat(length);
        assert_eq!(name(100).parse::<Name>().unwrap().as_str(), name(100));
        assert!(format!(" {} ", name(100)).parse::<Name>().is_ok());
        assert_eq!(name(101).parse::<Name>(), Err(TextError::TooLong { max: 100 }));
        assert!("🔑".repeat(500).parse::<Description>().is_ok());
        assert_eq!("🔑".repeat(501).parse::<Description>(), Err(TextError::TooLong { max: 500 }));
        assert_eq!("x".repeat(501).parse::<RevocationReason>(), Err(TextError::TooLong { max: 500 }));
    }

    #[test]
    fn deceptive_characters_are_refused() {
        for character in DECEPTIVE {
            let error = TextError::Forbidden { character };
            assert_eq!(format!("a{character}b").parse::<Name>(), Err(error), "{error}");
            assert_eq!(format!("a{character}b").parse::<Description>(), Err(error), "{error}");
            assert_eq!(format!("a{character}b").parse::<RevocationReason>(), Err(error), "{error}");
            assert!(!error.to_string().contains(character));
        }
        // A zero-width character is no white space, so trimming does not hide it.
        assert_eq!("a\u{FEFF}".parse::<Name>(), Err(TextError::Forbidden { character: '\u{FEFF}' }));
    }

    #[test]
    fn their_neighbours_are_allowed() {
        for character in
            [' ', '~', '\u{a0}', '\u{200A}', '\u{202F}', '\u{2065}', '\u{206A}', '\u{FEFE}', 'ß', '字']
        {
            assert!(format!("a{character}b").parse::<Name>().is_ok(), "U+{:04X}", u32::from(character));
        }
    }

    #[test]
    fn line_breaks_are_for_descriptions_and_reasons() {
        assert_eq!("a\nb".parse::<Name>(), Err(TextError::Forbidden { character: '\n' }));
        assert_eq!(" a\r\nb\n".parse::<Description>().unwrap().as_str(), " a\r\nb\n");
        assert_eq!("".parse::<Description>().unwrap().as_str(), "");
        assert_eq!("left\nthe team".parse::<RevocationReason>().unwrap().to_string(), "left\nthe team");
    }

    #[test]
    fn a_message_names_the_rule_and_the_code_point() {
        let error = "a\u{202E}b".parse::<Name>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "must not contain the character U+202E: control, bidi control and zero-width characters are not allowed"
        );
        assert!("a\0".parse::<Name>().unwrap_err().to_string().contains("U+0000"));
    }
}
