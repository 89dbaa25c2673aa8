//! Whom we believe over TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A client that trusts the public authorities (Mozilla's list, compiled in, so that a bare machine
/// will do) and those of `ca_file`.
///
/// # Errors
/// The file cannot be read or used; for the operator.
pub(super) fn trust(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        add(&mut roots, path).map_err(|why| {
            let path = path.display();
            format!(
                "egress.ca-file: {path}: {why}; actions could not reach the hosts that it is for, \
                 and the server does not start; name a readable file with certificates as PEM, or \
                 remove the key"
            )
        })?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("start the TLS client: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let before = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == before { Err("it holds no certificate".to_owned()) } else { Ok(()) }
}
