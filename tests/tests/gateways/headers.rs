/// Headers by which an API could carry out another request than the one that was decided: none of them passes a gateway.
pub(crate) const STEERING: [&str; 10] = [
    "X-Original-URL",
    "X-Original-Method",
    "X-Original-URI",
    "X-Rewrite-URL",
    "X-Forwarded-Method",
    "X-Forwarded-Uri",
    "X-Forwarded-Prefix",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
];

/// Headers that say where a request comes from and where it went to: the API gets what the gateway says, or none.
pub(crate) const PROVENANCE: [&str; 3] = ["X-Real-IP", "X-Forwarded-Host", "Forwarded"];

/// What a client may put in them; it arrives nowhere.
pub(crate) const CLAIMED: &str = "claimed.test";

/// Whether a client's header of this name is of either kind, in whatever spelling.
pub(crate) fn ends_at_a_gateway(name: &str) -> bool {
    STEERING.iter().chain(&PROVENANCE).any(|own| own.to_lowercase() == folded(name))
}

/// A name as a program takes it that makes one character of all that are no letters or digits, as CGI does.
pub(crate) fn folded(name: &str) -> String {
    name.chars()
        .map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' })
        .collect()
}
