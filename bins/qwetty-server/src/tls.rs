//! The certificate by which the server speaks TLS, and its key.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use qwetty_keys::Timestamp;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use crate::regular_file;

/// In the order in which the server prefers them.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
const READABLE_BY_OTHERS: u32 = 0o004;
/// How long before its end a certificate is warned of.
const ENDS_SOON: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificate chain in PEM, the server's own first.
    pub(crate) certificate: PathBuf,
    /// Its private key in PEM.
    pub(crate) key: PathBuf,
}

/// The certificate and key that new connections get.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
}

/// Certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The certificate's file cannot be read.
    #[error("cannot read the TLS certificate {}: {source}; --tls-cert takes a file that this user may read", path.display())]
    CertificateUnreadable { path: PathBuf, source: io::Error },
    /// The key's file cannot be read.
    #[error("cannot read the TLS key {}: {source}; --tls-key takes a file that this user may read", path.display())]
    KeyUnreadable { path: PathBuf, source: io::Error },
    /// There is no certificate in the file.
    #[error(
        "{} has no certificate in it{fault}; --tls-cert takes a PEM file (-----BEGIN CERTIFICATE-----) with the server's own certificate first, then those of its issuers",
        path.display()
    )]
    NoCertificate { path: PathBuf, fault: String },
    /// There is no private key in the file.
    #[error(
        "{} has no private key in it{fault}; --tls-key takes a PEM file (-----BEGIN PRIVATE KEY-----) whose key is not encrypted",
        path.display()
    )]
    NoKey { path: PathBuf, fault: String },
    /// What stands there as the server's own certificate is none.
    #[error("the first certificate in {} cannot be used: {source}; --tls-cert takes X.509 certificates of version 3", path.display())]
    Certificate { path: PathBuf, source: rustls::Error },
    /// What stands there as a key is none.
    #[error("the key in {} cannot be used: {source}; --tls-key takes an RSA, ECDSA (P-256, P-384) or Ed25519 key", path.display())]
    Key { path: PathBuf, source: rustls::Error },
    /// The key is another certificate's.
    #[error(
        "the key in {} does not belong to the first certificate in {}; give both files of one certificate, the server's own first in its chain",
        files.key.display(), files.certificate.display()
    )]
    Mismatch { files: TlsFiles },
    /// The protocol cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Setup(#[source] rustls::Error),
}

impl Tls {
    /// Reads the files. What clients will not take, or will not take for long, is warned of.
    ///
    /// # Errors
    ///
    /// Which file is wrong, and what it should be.
    pub(crate) fn load(files: TlsFiles, now: Timestamp) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(configuration(&files, now)?);
        Ok(Self { files, current })
    }

    /// Reads the files again, for the connections from now on.
    ///
    /// # Errors
    ///
    /// As of [`Tls::load`]; new connections get what they got before, then.
    pub(crate) fn reload(&self, now: Timestamp) -> Result<(), TlsError> {
        self.current.store(Arc::new(configuration(&self.files, now)?));
        Ok(())
    }

    /// What a new connection is accepted by.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current.load_full().into()
    }
}

/// TLS 1.2 and 1.3, without client certificates.
fn configuration(files: &TlsFiles, now: Timestamp) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let certified = certified(files, &provider)?;
    warn_of_ends(files, &certified.cert, &provider, now);
    let mut configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    configuration.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(configuration)
}

fn certified(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = chain(&files.certificate)?;
    let key = provider
        .key_provider
        .load_private_key(private_key(&files.key)?)
        .map_err(|source| TlsError::Key { path: files.key.clone(), source })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch { files: files.clone() }),
        Err(source) => Err(TlsError::Certificate { path: files.certificate.clone(), source }),
    }
}

/// Warns of each certificate that is not valid now, or will not be soon.
fn warn_of_ends(files: &TlsFiles, chain: &[CertificateDer<'_>], provider: &CryptoProvider, now: Timestamp) {
    let fault = |certificate, at: Timestamp| {
        // There is nobody whom it is to be trusted for; whether its time is right comes before that.
        let at = Duration::from_micros(at.unix_micros().try_into().unwrap_or(0));
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        let verified = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &RootCertStore::empty(),
            &[],
            UnixTime::since_unix_epoch(at),
            provider.signature_verification_algorithms.all,
        );
        match verified {
            Err(rustls::Error::InvalidCertificate(fault)) => Some(fault),
            _ => None,
        }
    };
    let path = files.certificate.display();
    for (certificate, number) in chain.iter().zip(1..) {
        match (fault(certificate, now), fault(certificate, now.saturating_add(ENDS_SOON))) {
            (Some(CertificateError::ExpiredContext { not_after, .. }), _) => warn!(
                "certificate {number} in {path} expired at {}: clients refuse it; renew it and send SIGHUP",
                time(not_after)
            ),
            (Some(CertificateError::NotValidYetContext { not_before, .. }), _) => warn!(
                "certificate {number} in {path} is valid from {} on: clients refuse it until then",
                time(not_before)
            ),
            (_, Some(CertificateError::ExpiredContext { not_after, .. })) => warn!(
                "certificate {number} in {path} expires soon, at {}: renew it and send SIGHUP",
                time(not_after)
            ),
            _ => {}
        }
    }
}

fn time(at: UnixTime) -> Timestamp {
    Timestamp::from_unix_micros(i64::try_from(at.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000))
}

/// The certificates of the file, at least one.
fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let (text, _) = regular_file::read(path)
        .map_err(|source| TlsError::CertificateUnreadable { path: path.to_owned(), source })?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::NoCertificate { path: path.to_owned(), fault: described(&error) })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned(), fault: String::new() });
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let (text, metadata) = regular_file::read(path)
        .map_err(|source| TlsError::KeyUnreadable { path: path.to_owned(), source })?;
    let key = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|error| TlsError::NoKey { path: path.to_owned(), fault: described(&error) })?;
    if metadata.mode() & READABLE_BY_OTHERS != 0 {
        let path = path.display();
        warn!(
            "everybody on this machine can read the TLS key {path}; chmod o-r {path} keeps it to those who need it"
        );
    }
    Ok(key)
}

/// What is wrong, in words that show nothing of the file.
fn described(error: &PemError) -> String {
    let fault = match error {
        PemError::NoItemsFound => return String::new(),
        PemError::MissingSectionEnd { .. } => "its last section has no end",
        PemError::Base64Decode(_) => "a section is not base64",
        _ => "it is not PEM",
    };
    format!(" ({fault})")
}
