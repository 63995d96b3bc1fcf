use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use time::OffsetDateTime;
use tokio_rustls::TlsConnector;

/// A certificate for `127.0.0.1` and `localhost` that vouches for itself, and its key.
pub struct Certificate {
    /// In PEM.
    pub pem: String,
    /// In PEM.
    pub key: String,
    der: CertificateDer<'static>,
}

impl Certificate {
    /// The file of the certificate, in the server's directory.
    pub const FILE: &str = "cert.pem";
    /// The file of its key, in the server's directory.
    pub const KEY_FILE: &str = "key.pem";

    /// A new one.
    #[expect(clippy::new_without_default, reason = "no two are equal")]
    pub fn new() -> Self {
        Self::made(|_| {})
    }

    /// A new one that is valid from one time to another.
    pub fn valid(from: OffsetDateTime, to: OffsetDateTime) -> Self {
        Self::made(|parameters| (parameters.not_before, parameters.not_after) = (from, to))
    }

    fn made(with: impl FnOnce(&mut CertificateParams)) -> Self {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut parameters = CertificateParams::new(names).unwrap();
        with(&mut parameters);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), key: key.serialize_pem(), der: certificate.into() }
    }

    /// Puts it where [`Launch::tls`](crate::Launch::tls) has the server look; the key is readable by its owner alone.
    pub fn write(&self, directory: &Path) {
        std::fs::write(directory.join(Self::FILE), &self.pem).unwrap();
        let key = directory.join(Self::KEY_FILE);
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&key).unwrap();
        file.write_all(self.key.as_bytes()).unwrap();
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    }

    /// How a client connects that trusts these certificates alone and offers these protocols.
    pub fn connector(trusted: &[&Self], protocols: &[&str]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        for certificate in trusted {
            roots.add(certificate.der.clone()).unwrap();
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }
}
