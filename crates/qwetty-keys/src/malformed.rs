/// Why a text is no key value of this service, found without a hash or a look-up.
///
/// It says nothing of the value itself, so that it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MalformedKey {
    /// The text is not as long as the prefix and 49 digits.
    #[error("a key value is its prefix and 49 characters: check that it was copied whole")]
    Length,
    /// The text does not begin with the prefix.
    #[error("the key value does not begin with the prefix of this service: check that it is the right key")]
    Prefix,
    /// A character after the prefix is not one of `0-9A-Za-z`.
    #[error("a key value holds nothing but ASCII letters and digits after its prefix")]
    Alphabet,
    /// The last six characters are not the checksum of those before them.
    #[error("the key value fails its checksum: check that it was copied without a slip")]
    Checksum,
    /// The digits stand for more than 32 bytes can hold.
    #[error("the key value stands for more than 256 bits: it was never issued")]
    Overflow,
}
