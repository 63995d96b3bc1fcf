use std::fmt;

use crate::interface::{Body, Operation};

/// One question to a call: who asks, about what, in which form. All but one of these are as they should be.
pub(crate) enum Case {
    Caller(Caller),
    /// Asked by the administrator of the organization that it is in, or by an operator if only operators may.
    Subject(Subject),
    /// Asked by an operator.
    Fault(Fault),
}

/// Who calls.
pub(crate) enum Caller {
    NoCredential,
    AnotherScheme,
    TwoCredentials,
    MalformedValue,
    UnknownValue,
    RevokedKey,
    ExpiredKey,
    DeletedKey,
    ReplacedValue,
    WrongAddress,
    UsedUpQuota,
    /// Every permission but these.
    Without(Vec<String>),
    /// This permission alone.
    Only(String),
    /// Whoever may do everything that is called for, from one network only.
    Restricted,
    /// The same, on one channel only, which no call is about; the requests of gateways are about another.
    Scoped,
    Administrator,
    OtherAdministrator,
    Operator,
}

/// What a call is about, in place of a usable key, a channel or an organization without keys.
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    UnknownId,
    MalformedId,
    RevokedKey,
    ExpiredKey,
    OperatorsKey,
    OwnKey,
    MoreThanTheCallerHolds,
    OrganizationWithKeys,
    MalformedValue,
    UnknownValue,
    DeletedKey,
    OtherOrganizationsKey,
    KeyOfAnotherAddress,
    KeyWithoutThePermission,
    KeyOfAnotherChannel,
    KeyWithUsedUpQuota,
}

/// What is wrong with a request.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    UnknownParameter,
    NoBody,
    MalformedJson,
    AnotherMediaType,
    LargeBody,
    UnknownField,
    LongUri,
    LargeHeaders,
    AnotherMethod,
    UnmappedRoute,
    UntrustedPeer,
    TooManyReports,
    NoToken,
    Unsigned,
}

/// Every case of a call, in the order of the table.
pub(crate) fn cases(operation: &Operation) -> Vec<Case> {
    let callers = callers(operation).into_iter().map(Case::Caller);
    let subjects = subjects(operation).iter().copied().map(Case::Subject);
    let faults = faults(operation).into_iter().map(Case::Fault);
    callers.chain(subjects).chain(faults).collect()
}

fn callers(operation: &Operation) -> Vec<Caller> {
    let mut callers = vec![
        Caller::NoCredential,
        Caller::AnotherScheme,
        Caller::TwoCredentials,
        Caller::MalformedValue,
        Caller::UnknownValue,
        Caller::RevokedKey,
        Caller::ExpiredKey,
        Caller::DeletedKey,
        Caller::ReplacedValue,
        Caller::WrongAddress,
        Caller::UsedUpQuota,
    ];
    match operation.needs.as_deref() {
        None => {}
        Some([]) => callers.push(Caller::Only("chats:read".to_owned())),
        Some(needs) => {
            callers.push(Caller::Without(needs.to_vec()));
            callers.extend(needs.iter().cloned().map(Caller::Only));
        }
    }
    callers.extend([
        Caller::Restricted,
        Caller::Scoped,
        Caller::Administrator,
        Caller::OtherAdministrator,
        Caller::Operator,
    ]);
    callers
}

fn subjects(operation: &Operation) -> &'static [Subject] {
    use Subject::*;
    match operation.path.as_str() {
        "/api/v1/api-keys" if operation.method == http::Method::POST => &[MoreThanTheCallerHolds],
        path if path.starts_with("/api/v1/api-keys/{id}") => {
            &[UnknownId, MalformedId, RevokedKey, ExpiredKey, OperatorsKey, OwnKey]
        }
        "/api/v1/channels/{id}" => &[UnknownId, MalformedId],
        "/api/v1/organizations/{id}" => &[UnknownId, MalformedId, OrganizationWithKeys],
        "/api/v1/verify" => &[
            MalformedValue,
            UnknownValue,
            DeletedKey,
            OtherOrganizationsKey,
            RevokedKey,
            ExpiredKey,
            KeyOfAnotherAddress,
            KeyWithoutThePermission,
            KeyOfAnotherChannel,
            KeyWithUsedUpQuota,
        ],
        _ => &[],
    }
}

fn faults(operation: &Operation) -> Vec<Fault> {
    let mut faults = vec![Fault::UnknownParameter];
    if operation.body == Body::Required {
        faults.push(Fault::NoBody);
    }
    if operation.body != Body::None {
        let of_body = [Fault::MalformedJson, Fault::AnotherMediaType, Fault::LargeBody, Fault::UnknownField];
        faults.extend(of_body);
    }
    faults.extend([Fault::LongUri, Fault::LargeHeaders, Fault::AnotherMethod]);
    if operation.takes_any {
        faults.extend([Fault::UnmappedRoute, Fault::UntrustedPeer]);
    }
    if operation.path.starts_with("/api/v1/leaked-keys") {
        faults.push(Fault::TooManyReports);
    }
    if operation.path.ends_with("/github") {
        faults.extend([Fault::NoToken, Fault::Unsigned]);
    }
    faults
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(caller) => write!(f, "{caller}"),
            Self::Subject(subject) => f.write_str(subject.name()),
            Self::Fault(fault) => f.write_str(fault.name()),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredential => "no credential",
            Self::AnotherScheme => "a credential of another scheme",
            Self::TwoCredentials => "two credentials",
            Self::MalformedValue => "malformed value",
            Self::UnknownValue => "unknown value",
            Self::RevokedKey => "revoked key",
            Self::ExpiredKey => "expired key",
            Self::DeletedKey => "deleted key",
            Self::ReplacedValue => "replaced value",
            Self::WrongAddress => "key of another address",
            Self::UsedUpQuota => "used-up quota",
            Self::Without(permissions) => {
                return write!(f, "every permission but {}", permissions.join(" and "));
            }
            Self::Only(permission) => return write!(f, "{permission} alone"),
            Self::Restricted => "administrator bound to a network",
            Self::Scoped => "administrator bound to another channel",
            Self::Administrator => "administrator",
            Self::OtherAdministrator => "administrator of another organization",
            Self::Operator => "operator",
        })
    }
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Self::UnknownId => "on an unknown id",
            Self::MalformedId => "on a malformed id",
            Self::RevokedKey => "on a revoked key",
            Self::ExpiredKey => "on an expired key",
            Self::OperatorsKey => "on an operator's key",
            Self::OwnKey => "on its own key",
            Self::MoreThanTheCallerHolds => "for more than it holds",
            Self::OrganizationWithKeys => "on an organization with keys",
            Self::MalformedValue => "of a malformed value",
            Self::UnknownValue => "of an unknown value",
            Self::DeletedKey => "of a deleted key",
            Self::OtherOrganizationsKey => "of another organization's key",
            Self::KeyOfAnotherAddress => "of a key of another address",
            Self::KeyWithoutThePermission => "of a key without the permission",
            Self::KeyOfAnotherChannel => "of a key of another channel",
            Self::KeyWithUsedUpQuota => "of a key with a used-up quota",
        }
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::UnknownParameter => "with an unknown query parameter",
            Self::NoBody => "without a body",
            Self::MalformedJson => "with malformed JSON",
            Self::AnotherMediaType => "with a body that is not called JSON",
            Self::LargeBody => "with more than 64 KiB",
            Self::UnknownField => "with an unknown field",
            Self::LongUri => "with a URI beyond 8 KiB",
            Self::LargeHeaders => "with headers beyond 16 KiB",
            Self::AnotherMethod => "by another method",
            Self::UnmappedRoute => "for a route that is not mapped",
            Self::UntrustedPeer => "from a peer that is no trusted proxy",
            Self::NoToken => "without a token",
            Self::Unsigned => "without a signature",
            Self::TooManyReports => "from an address that made too many reports",
        }
    }
}
