//! Where the API server is, and who we are to it.
//!
//! The order is that of other clients: the file that an option names, those of `KUBECONFIG`, the service account of the pod
//! this runs in, `~/.kube/config`. The first that is there is used, whole; nothing is put together from several of them.

use super::kubeconfig::{self, Source};
use crate::secret::Secret;
use crate::{Options, TargetError, http};
use std::path::{Path, PathBuf};

/// See the module's text.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// Address, maybe with a path in front of the API's own.
    pub(super) server: reqwest::Url,
    /// Authorities, PEM; `None`: those of the system.
    pub(super) roots: Option<Vec<u8>>,
    /// Certificate and key, PEM.
    pub(super) identity: Option<Secret>,
    pub(super) token: Token,
    pub(super) proxy: Option<reqwest::Url>,
    /// Where this was found, for errors.
    pub(super) whose: String,
}

/// What we show to prove who we are.
#[derive(Debug, Clone)]
pub(super) enum Token {
    None,
    Fixed(Secret),
    /// Read anew for every call: a cluster renews it in place.
    File(PathBuf),
}

impl Access {
    pub(super) fn find(options: &Options) -> Result<Self, TargetError> {
        if let Some(path) = &options.kubeconfig {
            return kubeconfig::access(&[Source::read(path)?]);
        }
        let environment = &options.environment;
        if let Some(paths) = environment.get("KUBECONFIG") {
            // Names of files that do not exist are passed over, as kubectl does it, unless none is left.
            let named: Vec<PathBuf> =
                std::env::split_paths(paths).filter(|path| !path.as_os_str().is_empty()).collect();
            let there: Vec<&PathBuf> = named.iter().filter(|path| path.exists()).collect();
            let sources: Result<Vec<Source>, TargetError> = there.into_iter().map(|path| Source::read(path)).collect();
            let sources = sources?;
            if sources.is_empty() {
                return Err(TargetError::Usage(format!("KUBECONFIG names no file that exists: {paths}")));
            }
            return kubeconfig::access(&sources);
        }
        if let Some(host) = environment.get("KUBERNETES_SERVICE_HOST") {
            let port = environment.get("KUBERNETES_SERVICE_PORT").unwrap_or("443");
            return Self::of_pod(host, port, &options.service_account);
        }
        let home = environment.get("HOME").map(|home| Path::new(home).join(".kube").join("config"));
        match home.filter(|path| path.exists()) {
            Some(path) => kubeconfig::access(&[Source::read(&path)?]),
            None => Err(TargetError::Usage(
                "no credentials for a cluster: name a kubeconfig with --kubeconfig or KUBECONFIG, or run in a pod with a \
                 service account"
                    .to_owned(),
            )),
        }
    }

    fn of_pod(host: &str, port: &str, folder: &Path) -> Result<Self, TargetError> {
        // An address of version 6 stands in brackets in front of a port.
        let host = if host.contains(':') { format!("[{}]", host.trim_matches(['[', ']'])) } else { host.to_owned() };
        let server = http::address(&format!("https://{host}:{port}"), "https://10.0.0.1:443")?;
        let token = folder.join("token");
        if !token.exists() {
            return Err(TargetError::Usage(format!(
                "this pod has no service account's token at {}: set automountServiceAccountToken, or name a --kubeconfig",
                token.display()
            )));
        }
        Ok(Self {
            server,
            roots: Some(kubeconfig::bytes_of(&folder.join("ca.crt"))?),
            identity: None,
            token: Token::File(token),
            proxy: None,
            whose: format!("the service account in {}", folder.display()),
        })
    }

    /// A client that believes the right authorities.
    pub(super) fn client(&self) -> Result<reqwest::Client, TargetError> {
        let wrong = |what: &str| TargetError::Usage(format!("{what} of {} cannot be used: expected PEM", self.whose));
        let mut builder = http::builder();
        if let Some(pem) = &self.roots {
            let roots = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| wrong("the certificate-authority"))?;
            if roots.is_empty() {
                return Err(wrong("the certificate-authority"));
            }
            builder = builder.tls_certs_only(roots);
        }
        if let Some(pem) = &self.identity {
            let identity = reqwest::Identity::from_pem(pem.text().as_bytes());
            builder = builder.identity(identity.map_err(|_| wrong("the client's certificate and key"))?);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(|_| wrong("the proxy-url"))?);
        }
        http::built(builder, &self.whose)
    }

    /// The `authorization` header for the next call.
    pub(super) fn authorization(&self) -> Result<Option<reqwest::header::HeaderValue>, TargetError> {
        let token = match &self.token {
            Token::None => return Ok(None),
            Token::Fixed(token) => token.clone(),
            Token::File(path) => {
                let bytes = kubeconfig::bytes_of(path)?;
                let text = String::from_utf8(bytes)
                    .map_err(|_| TargetError::Usage(format!("{}: expected a token in UTF-8", path.display())))?;
                Secret::new(&text)
            }
        };
        http::hidden(&format!("Bearer {}", token.text()), &format!("the token of {}", self.whose)).map(Some)
    }
}
