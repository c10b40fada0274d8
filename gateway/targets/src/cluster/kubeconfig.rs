//! The kubeconfig: which server, believed by which certificate, and who we are.
//!
//! Read with the tree that file targets use. Of everything it may say, what would make the gate less safe or run somebody
//! else's program is refused, with what to do instead: `insecure-skip-tls-verify` (a weight that anybody on the way can set),
//! `exec` and `auth-provider` (programs named by a file, run with the gate's rights, whose output nobody has reviewed; a
//! token in a file does the same, and is read anew at every call). Contents never appear in an error.

use super::access::{Access, Token};
use crate::file::fault::Fault;
use crate::file::tree::{Id, Tree};
use crate::secret::Secret;
use crate::{TargetError, http};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longest file of credentials, bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// One file's text and where its relative paths begin.
pub(super) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, TargetError> {
        let bytes = bytes_of(path)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| TargetError::Usage(format!("{}: expected a kubeconfig in UTF-8", path.display())))?;
        Ok(Self { path: path.to_owned(), text })
    }
}

/// A small file, whole.
pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>, TargetError> {
    let failed = |error: std::io::Error| TargetError::Usage(format!("cannot read {}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(TargetError::Usage(format!("{} is longer than {FILE_BYTES_MAX} bytes", path.display())));
    }
    Ok(bytes)
}

/// Several files as one: of each name the first counts, as kubectl does it.
pub(super) fn access(sources: &[Source]) -> Result<Access, TargetError> {
    let mut files = Vec::with_capacity(sources.len());
    for source in sources {
        let tree = Tree::read(&source.text).map_err(|fault| source.fault(fault))?;
        files.push(File { source, tree });
    }
    let names: Vec<String> = files.iter().map(|file| file.source.path.display().to_string()).collect();
    let missing =
        |what: &str| TargetError::Usage(format!("{what} in {}: see `kubectl config view`", names.join(" and ")));
    let chosen = files.iter().find_map(|file| file.text(file.root()?, "current-context"));
    let chosen = chosen.filter(|name| !name.is_empty()).ok_or_else(|| missing("expected `current-context`"))?;
    let part = |list: &'static str, what: &'static str, name: &str| {
        let found = files.iter().find_map(|file| Some((file, file.named(list, what, name)?)));
        found.ok_or_else(|| missing(&format!("no {what} `{name}` is")))
    };
    let (file, context) = part("contexts", "context", &chosen)?;
    let word = |key| file.text(context, key).ok_or_else(|| missing(&format!("expected `{key}` of context `{chosen}`")));
    let (cluster_name, user_name) = (word("cluster")?, word("user")?);
    let (cluster_file, cluster) = part("clusters", "cluster", &cluster_name)?;
    let (user_file, user) = part("users", "user", &user_name)?;
    Ok(Access {
        server: cluster_file.server(cluster, &cluster_name)?,
        roots: cluster_file.data(cluster, "certificate-authority", "certificate-authority-data")?,
        proxy: cluster_file.proxy(cluster, &cluster_name)?,
        identity: user_file.identity(user, &user_name)?,
        token: user_file.token(user, &user_name)?,
        whose: format!("context `{chosen}` of {}", names.join(" and ")),
    })
}

impl Source {
    fn fault(&self, fault: Fault) -> TargetError {
        fault.of(&self.path.display().to_string(), &self.text)
    }
}

struct File<'a> {
    source: &'a Source,
    tree: Tree<'a>,
}

impl File<'_> {
    fn root(&self) -> Option<Id> {
        self.tree.documents().first().copied()
    }

    /// A text that is not empty.
    fn text(&self, of: Id, key: &str) -> Option<String> {
        self.tree.text_of(of, key).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The mapping `what` of the entry of a list with this name.
    fn named(&self, list: &str, what: &str, name: &str) -> Option<Id> {
        let entries = self.tree.items(self.root()?, list).ok()?;
        let entry = entries.iter().find(|entry| self.tree.text_of(**entry, "name") == Some(name))?;
        self.tree.get(*entry, what)
    }

    /// A path, relative to the file's folder.
    fn path(&self, of: Id, key: &str) -> Option<PathBuf> {
        let path = self.text(of, key)?;
        Some(self.source.path.parent().unwrap_or(Path::new(".")).join(path))
    }

    /// Bytes in the file itself, or else in another one.
    fn data(&self, of: Id, file_key: &str, data_key: &str) -> Result<Option<Vec<u8>>, TargetError> {
        if let Some(text) = self.text(of, data_key) {
            let packed: String = text.split_whitespace().collect();
            let bytes = STANDARD.decode(packed);
            let at = self.tree.get(of, data_key).map_or(0, |id| self.tree.offset(id));
            let fault = |_| self.source.fault(Fault::at(at, format!("expected base64 in `{data_key}`")));
            return bytes.map(Some).map_err(fault);
        }
        self.path(of, file_key).map(|path| bytes_of(&path)).transpose()
    }

    fn server(&self, cluster: Id, name: &str) -> Result<reqwest::Url, TargetError> {
        let refuse = |key: &str, what_to_do: &str| Err(self.refused("cluster", name, key, what_to_do));
        if self.tree.text_of(cluster, "insecure-skip-tls-verify") == Some("true") {
            return refuse("insecure-skip-tls-verify", "name the server's authority in certificate-authority instead");
        }
        if self.text(cluster, "tls-server-name").is_some() {
            return refuse("tls-server-name", "use a name that is in the server's certificate as `server`");
        }
        let server = self.text(cluster, "server").unwrap_or_default();
        let url = http::address(&server, "https://10.0.0.1:6443")
            .map_err(|error| self.refused("cluster", name, "server", &error.to_string()))?;
        if url.scheme() == "http" && !http::is_this_machine(&url) {
            return refuse("server", "expected https: the token and the weight would travel in clear");
        }
        Ok(url)
    }

    fn proxy(&self, cluster: Id, name: &str) -> Result<Option<reqwest::Url>, TargetError> {
        let Some(proxy) = self.text(cluster, "proxy-url") else { return Ok(None) };
        let url = http::address(&proxy, "http://proxy.example:3128")
            .map_err(|error| self.refused("cluster", name, "proxy-url", &error.to_string()))?;
        Ok(Some(url))
    }

    fn identity(&self, user: Id, name: &str) -> Result<Option<Secret>, TargetError> {
        let certificate = self.data(user, "client-certificate", "client-certificate-data")?;
        let key = self.data(user, "client-key", "client-key-data")?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let pem = [certificate, b"\n".to_vec(), key].concat();
                let pem = String::from_utf8(pem)
                    .map_err(|_| self.refused("user", name, "client-certificate", "expected PEM, as its key"))?;
                Ok(Some(Secret::new(&pem)))
            }
            _ => Err(self.refused(
                "user",
                name,
                "client-certificate",
                "expected client-certificate and client-key together",
            )),
        }
    }

    fn token(&self, user: Id, name: &str) -> Result<Token, TargetError> {
        for key in ["exec", "auth-provider"] {
            if self.tree.get(user, key).is_some() {
                let what_to_do = "no program is run for credentials; give the gate a service account of its own, write \
                                  `kubectl create token weighbridge` into a file and name that as `tokenFile`";
                return Err(self.refused("user", name, key, what_to_do));
            }
        }
        if self.tree.get(user, "username").is_some() {
            return Err(self.refused("user", name, "username", "API servers take no passwords any more; use a token"));
        }
        if let Some(path) = self.path(user, "tokenFile") {
            return Ok(Token::File(path));
        }
        Ok(self.text(user, "token").map_or(Token::None, |token| Token::Fixed(Secret::new(&token))))
    }

    fn refused(&self, what: &str, name: &str, key: &str, what_to_do: &str) -> TargetError {
        let path = self.source.path.display();
        TargetError::Usage(format!("{path}: {what} `{name}` has a `{key}` that is not used here: {what_to_do}"))
    }
}
