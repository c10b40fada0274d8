//! How connections to providers are made: the HTTP version and the certificates that are believed.

use super::check::Checker;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;

/// HTTP version to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// 1.1: one connection for each request under way, so that a slow reader holds up nobody else. The default.
    One,
    /// 2 only, without TLS by prior knowledge: all requests share one connection and its flow control.
    Two,
    /// What the provider prefers of the two, told in the TLS handshake; 1.1 without TLS.
    Negotiated,
}

/// Whose certificates are believed.
#[derive(Debug, Clone)]
pub enum TlsRoots {
    /// The operating system's.
    System,
    /// Mozilla's list, built in: for images that have no certificates of their own.
    Bundled,
    /// Those of `ca_file` and no others.
    Own(Arc<RootCertStore>),
}

impl PartialEq for TlsRoots {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::System, Self::System) | (Self::Bundled, Self::Bundled) => true,
            (Self::Own(one), Self::Own(another)) => one.roots == another.roots,
            _ => false,
        }
    }
}

impl Checker<'_> {
    pub(super) fn http_version(&mut self, name: &str, text: Option<&str>) -> Option<HttpVersion> {
        match text {
            None | Some("1.1") => Some(HttpVersion::One),
            Some("2") => Some(HttpVersion::Two),
            Some("negotiated") => Some(HttpVersion::Negotiated),
            Some(other) => {
                self.problem(format!("providers.{name}.http is `{other}`: expected \"1.1\", \"2\" or \"negotiated\""))
            }
        }
    }

    pub(super) fn tls_roots(&mut self, at: &str, text: Option<&str>, file: Option<&Path>) -> Option<TlsRoots> {
        match (text, file) {
            (None | Some("system"), None) => Some(TlsRoots::System),
            (Some("bundled"), None) => Some(TlsRoots::Bundled),
            (None, Some(path)) => match own_roots(path) {
                Ok(roots) => Some(TlsRoots::Own(Arc::new(roots))),
                Err(why) => self.problem(format!(
                    "{at}.ca_file: {} {why}; expected a PEM file of certificate authorities",
                    path.display()
                )),
            },
            (Some(_), Some(_)) => self.problem(format!(
                "{at} has tls_roots and ca_file: keep one of them; a ca_file is believed instead of all others"
            )),
            (Some(other), None) => {
                self.problem(format!("{at}.tls_roots is `{other}`: expected \"system\" or \"bundled\""))
            }
        }
    }
}

/// The certificates of a PEM file, at least one.
pub(super) fn own_roots(path: &Path) -> Result<RootCertStore, String> {
    let unreadable = |error: rustls::pki_types::pem::Error| format!("cannot be read: {error:?}");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let certificate = certificate.map_err(unreadable)?;
        roots.add(certificate).map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(roots) }
}
