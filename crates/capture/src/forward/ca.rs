//! The certificate authority of intercepted hosts: made once, kept with its key, and what it signs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use event::Micros;
use journal::FsError;
use quick_cache::sync::Cache;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::NoServerSessionStorage,
};

use crate::{env::Env, payload::hex};

/// The authority's certificate, for clients.
pub const CA_FILE: &str = "ca.pem";
/// Its key.
const KEY_FILE: &str = "ca.key";
/// Who has the key is every host to those that trust the certificate.
const KEY_MODE: u32 = 0o600;
/// Everybody may read it.
const CERTIFICATE_MODE: u32 = 0o644;
/// How long the authority is good.
const AUTHORITY_DAYS: u64 = 3_650;
/// How long a host's certificate is good, and how long it is used: well before the end.
const LEAF_DAYS: u64 = 30;
const LEAF_USE_US: u64 = DAY_US * 7;
/// Certificates begin a day ago: clocks differ.
const BACKDATED_DAYS: u64 = 1;
const DAY_US: u64 = 86_400 * 1_000_000;
/// Hosts whose TLS is kept ready. Each is some 2 KB.
const MAX_LEAVES: usize = 1_024;

/// Signs certificates for intercepted hosts.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// All hosts share one: to make a key costs as much as to sign.
    leaf_key: KeyPair,
    provider: Arc<CryptoProvider>,
    /// By host and the protocol that is spoken.
    leaves: Cache<(String, Option<Vec<u8>>), Leaf>,
    env: Env,
}

/// A version of HTTP as TLS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

#[derive(Clone)]
struct Leaf {
    config: Arc<ServerConfig>,
    made_at: Micros,
}

/// Why there is no certificate authority, or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// Its files cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// One of its files is there, and the other is not.
    #[error("{} is missing, and its other half is there: restore it, or remove both", path.display())]
    Half {
        /// The missing file.
        path: PathBuf,
    },
    /// A file is not what it should be.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No certificate can be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS does not take the certificate.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

impl Protocol {
    pub(super) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    pub(super) fn of_alpn(protocol: &[u8]) -> Option<Self> {
        [Self::Http1, Self::Http2]
            .into_iter()
            .find(|known| known.alpn() == protocol)
    }
}

impl Authority {
    /// The authority of a directory; made, if there is none.
    ///
    /// # Errors
    /// [`CaError`]. One that is damaged is never replaced: clients would go on trusting the old one.
    pub fn open(env: &Env, dir: &Path) -> Result<Self, CaError> {
        let (certificate, key) = (dir.join(CA_FILE), dir.join(KEY_FILE));
        match (env.fs.exists(&certificate)?, env.fs.exists(&key)?) {
            (true, true) => {}
            // The key is written first: without a certificate nobody trusts it yet.
            (false, _) => make(env, dir, &certificate, &key)?,
            (true, false) => return Err(CaError::Half { path: key }),
        }
        Self::load(env, &certificate, &key)
    }

    fn load(env: &Env, certificate: &Path, key: &Path) -> Result<Self, CaError> {
        let damaged = |path: &Path, reason: String| CaError::Damaged {
            path: path.to_owned(),
            reason,
        };
        let text = String::from_utf8_lossy(&env.fs.read(key)?).into_owned();
        let key = KeyPair::from_pem(&text).map_err(|error| damaged(key, error.to_string()))?;
        let der = CertificateDer::from_pem_slice(&env.fs.read(certificate)?)
            .map_err(|error| damaged(certificate, error.to_string()))?;
        // The key's own bytes are in the certificate that was made for it.
        if memchr::memmem::find(&der, key.public_key_raw()).is_none() {
            return Err(damaged(
                certificate,
                format!("it does not belong to {KEY_FILE}"),
            ));
        }
        Ok(Self {
            issuer: Issuer::new(authority_params(&key, (env.now)()), key),
            certificate: der,
            leaf_key: KeyPair::generate()?,
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            leaves: Cache::new(MAX_LEAVES),
            env: env.clone(),
        })
    }

    /// TLS for a host, which is a name or an address, speaking one protocol or none in particular.
    ///
    /// # Errors
    /// [`CaError`] if the host cannot be in a certificate.
    pub(super) fn config_for(
        &self,
        host: &str,
        protocol: Option<&[u8]>,
    ) -> Result<Arc<ServerConfig>, CaError> {
        let now = (self.env.now)();
        let id = (host.to_owned(), protocol.map(<[u8]>::to_vec));
        if let Some(leaf) = self.leaves.get(&id)
            && now.0.saturating_sub(leaf.made_at.0) < LEAF_USE_US
        {
            return Ok(leaf.config);
        }
        let config = Arc::new(self.make_config(host, protocol, now)?);
        let leaf = Leaf {
            config: Arc::clone(&config),
            made_at: now,
        };
        self.leaves.insert(id, leaf);
        Ok(config)
    }

    fn make_config(
        &self,
        host: &str,
        protocol: Option<&[u8]>,
        now: Micros,
    ) -> Result<ServerConfig, CaError> {
        let mut params = CertificateParams::new([host.to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        valid(&mut params, now, LEAF_DAYS);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(self.serial());
        let leaf = params.signed_by(&self.leaf_key, &self.issuer)?;
        let chain = vec![leaf.der().clone(), self.certificate.clone()];
        let key = PrivateKeyDer::try_from(self.leaf_key.serialize_der())
            .map_err(|error| rustls::Error::General(error.to_owned()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
        // A thousand hosts with sessions to resume would be memory for a handshake that costs little.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// Serial numbers of one issuer differ: clients refuse two certificates with the same.
    fn serial(&self) -> SerialNumber {
        let mut random = [0; 16];
        // Without randomness the time still tells certificates apart.
        let _ = (self.env.random)(&mut random);
        let mut serial = (self.env.now)().0.to_be_bytes().to_vec();
        serial.extend_from_slice(random.get(..8).unwrap_or_default());
        SerialNumber::from(serial)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

fn make(env: &Env, dir: &Path, certificate: &Path, key_file: &Path) -> Result<(), CaError> {
    env.fs.create_dir_all(dir)?;
    let key = KeyPair::generate()?;
    let params = authority_params(&key, (env.now)());
    let made = params.self_signed(&key)?;
    env.fs
        .write_atomic(key_file, key.serialize_pem().as_bytes(), Some(KEY_MODE))?;
    env.fs
        .write_atomic(certificate, made.pem().as_bytes(), Some(CERTIFICATE_MODE))?;
    Ok(())
}

/// The name has a part of the key in it: a client that knows two authorities of ours tells them apart.
fn authority_params(key: &KeyPair, now: Micros) -> CertificateParams {
    use sha2::{Digest, Sha256};
    let fingerprint = hex(&Sha256::digest(key.public_key_raw()));
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let name = format!(
        "Indelible proxy {}",
        fingerprint.get(..8).unwrap_or_default()
    );
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, AUTHORITY_DAYS);
    params
}

fn valid(params: &mut CertificateParams, now: Micros, days: u64) {
    let epoch = date_time_ymd(1970, 1, 1);
    let at = |micros| epoch + Duration::from_secs(micros / 1_000_000);
    params.not_before = at(now.0.saturating_sub(BACKDATED_DAYS * DAY_US));
    params.not_after = at(now.0.saturating_add(days * DAY_US));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_its_key_is_the_owners() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::system();
        Authority::open(&env, dir.path()).unwrap();
        let files =
            || [CA_FILE, KEY_FILE].map(|name| std::fs::read(dir.path().join(name)).unwrap());
        let first = files();
        Authority::open(&env, dir.path()).unwrap();
        assert_eq!(files(), first);
        let mode = std::fs::metadata(dir.path().join(KEY_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let other = tempfile::tempdir().unwrap();
        Authority::open(&env, other.path()).unwrap();
        std::fs::copy(other.path().join(CA_FILE), dir.path().join(CA_FILE)).unwrap();
        assert!(matches!(
            Authority::open(&env, dir.path()),
            Err(CaError::Damaged { .. })
        ));
        std::fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
        assert!(matches!(
            Authority::open(&env, dir.path()),
            Err(CaError::Half { .. })
        ));
    }

    #[test]
    fn a_host_gets_one_certificate_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(&Env::system(), dir.path()).unwrap();
        let one = authority.config_for("a.example", None).unwrap();
        assert!(Arc::ptr_eq(
            &one,
            &authority.config_for("a.example", None).unwrap()
        ));
        let two = authority
            .config_for("a.example", Some(Protocol::Http2.alpn()))
            .unwrap();
        assert_eq!(two.alpn_protocols, [b"h2"]);
        for n in 0..3 * MAX_LEAVES {
            authority
                .config_for(&format!("h{n}.example"), None)
                .unwrap();
        }
        assert!(authority.leaves.len() <= MAX_LEAVES);
    }
}
