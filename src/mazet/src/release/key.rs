//! The builder's key, and the keys that are trusted: minisign's (Ed25519, prehashed with BLAKE2b).
//!
//! `~/.config/mazet/builder.key` (mode 0600) signs, `builder.pub` beside it is given to those who
//! verify. They keep it as `~/.config/mazet/trusted/NAME.pub`, or name it each time.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{Cursor, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

/// The folder of keys: `$XDG_CONFIG_HOME/mazet` or `~/.config/mazet`.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The folder.
    pub folder: PathBuf,
}

impl Keys {
    /// The user's (XDG Base Directory Specification).
    ///
    /// # Errors
    /// When neither `XDG_CONFIG_HOME` nor `HOME` is set.
    pub fn find() -> Result<Self> {
        let base = match (env::var_os("XDG_CONFIG_HOME"), env::var_os("HOME")) {
            (Some(config), _) if Path::new(&config).is_absolute() => PathBuf::from(config),
            (_, Some(home)) => PathBuf::from(home).join(".config"),
            _ => bail!("neither XDG_CONFIG_HOME nor HOME is set: Mazet needs one of them to find keys"),
        };
        Ok(Self { folder: base.join("mazet") })
    }

    /// The builder's own secret key.
    pub fn secret(&self) -> PathBuf {
        self.folder.join("builder.key")
    }

    /// What belongs to it, for others.
    pub fn public(&self) -> PathBuf {
        self.folder.join("builder.pub")
    }

    /// Makes the builder's key, and the public one beside it.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub fn make(&self) -> Result<()> {
        let pair = KeyPair::generate_unencrypted_keypair().map_err(said).context("making a key")?;
        let secret = pair.sk.to_box(Some("Mazet: the builder's secret key")).map_err(said)?.into_string();
        let public = pair.pk.to_box().map_err(said)?.into_string();
        fs::create_dir_all(&self.folder).with_context(|| format!("making {}", self.folder.display()))?;
        write_new(&self.secret(), 0o600, &secret)?;
        write_new(&self.public(), 0o644, &public)
    }

    /// Every key that is trusted: the builder's own, and those in `trusted/`.
    ///
    /// # Errors
    /// When one is there and cannot be read.
    pub fn trusted(&self) -> Result<Vec<PublicKey>> {
        let mut files = vec![self.public()];
        let folder = fs::read_dir(self.folder.join("trusted")).into_iter().flatten().flatten();
        files.extend(
            folder.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "pub")),
        );
        files.iter().filter(|path| path.exists()).map(|path| read_public(path)).collect()
    }
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.with_context(|| format!("making {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}

/// The public key that a word means: a file, or the key's own base64.
///
/// # Errors
/// When it is neither.
pub fn public_of(word: &str) -> Result<PublicKey> {
    let path = Path::new(word);
    if path.is_file() {
        return read_public(path);
    }
    PublicKey::from_base64(word)
        .map_err(said)
        .with_context(|| format!("\"{word}\" is neither a file nor a public key"))
}

fn read_public(path: &Path) -> Result<PublicKey> {
    let doing = || format!("reading the public key {}", path.display());
    let text = fs::read_to_string(path).with_context(doing)?;
    let boxed = PublicKeyBox::from_string(&text).map_err(said).with_context(doing)?;
    boxed.into_public_key().map_err(said).with_context(doing)
}

/// The secret key in a file. One with a password has it asked on the terminal.
///
/// # Errors
/// When it cannot be read, or the password is wrong or cannot be asked.
pub fn read_secret(path: &Path) -> Result<SecretKey> {
    let doing = || format!("reading the secret key {}", path.display());
    let text = fs::read_to_string(path).with_context(doing)?;
    let parse = || SecretKeyBox::from_string(&text).map_err(said).with_context(doing);
    if let Ok(key) = parse()?.into_unencrypted_secret_key() {
        return Ok(key);
    }
    if !std::io::stdin().is_terminal() {
        bail!("{} has a password, and there is no terminal to ask for it on", path.display());
    }
    parse()?.into_secret_key(None).map_err(said).with_context(doing)
}

/// The signature of `text`, as the file that is kept beside it.
///
/// # Errors
/// When the key cannot sign.
pub fn sign(key: &SecretKey, text: &str, comment: &str) -> Result<String> {
    let untrusted = "signature of Mazet's builder: minisign -V, or mazet verify";
    let signature = minisign::sign(None, key, Cursor::new(text), Some(comment), Some(untrusted));
    Ok(signature.map_err(said).context("signing")?.into_string())
}

/// Who signed `text`: the trusted comment, when one of `keys` did.
///
/// # Errors
/// When the signature is another one's, or does not fit.
pub fn check(keys: &[PublicKey], text: &str, signature: &str) -> Result<String> {
    let signature = SignatureBox::from_string(signature).map_err(said).context("reading the signature")?;
    let Some(key) = keys.iter().find(|key| key.keynum() == signature.keynum()) else {
        bail!(
            "it was signed with the key {}, which is not trusted: if you know whose it is, put the builder's public \
             key into the folder trusted/ of ~/.config/mazet, or add --public-key FILE",
            number(signature.keynum())
        );
    };
    minisign::verify(key, &signature, Cursor::new(text), true, false, false).map_err(said)?;
    signature.trusted_comment().map_err(said)
}

/// A key's number as minisign prints it: sixteen hexadecimal digits.
pub fn number(keynum: &[u8]) -> String {
    keynum.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

/// The library's errors cannot be kept beside others.
#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn said(error: minisign::PError) -> anyhow::Error {
    anyhow!(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn keys() -> (tempfile::TempDir, Keys) {
        let folder = tempfile::tempdir().expect("folder");
        let keys = Keys { folder: folder.path().join("mazet") };
        keys.make().expect("made");
        (folder, keys)
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let (_folder, keys) = keys();
        let mode = fs::metadata(keys.secret()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = format!("{:#}", keys.make().expect_err("there already"));
        assert!(error.contains("builder.key: File exists"), "{error}");
    }

    #[test]
    fn what_the_builder_signed_is_trusted_and_nothing_else() {
        let (_folder, mine) = keys();
        let secret = read_secret(&mine.secret()).expect("read");
        let signature = sign(&secret, "sums", "pc").expect("signed");
        let trusted = mine.trusted().expect("read");
        assert_eq!(check(&trusted, "sums", &signature).expect("good"), "pc");
        assert!(check(&trusted, "other sums", &signature).is_err());
        let forged = signature.replace("pc\n", "pi\n");
        assert!(check(&trusted, "sums", &forged).is_err(), "the comment is signed too");
        let (_folder, other) = keys();
        let error = check(&other.trusted().expect("read"), "sums", &signature).expect_err("a stranger");
        assert!(error.to_string().contains("which is not trusted"), "{error}");
        fs::create_dir_all(other.folder.join("trusted")).expect("made");
        fs::copy(mine.public(), other.folder.join("trusted/friend.pub")).expect("copied");
        check(&other.trusted().expect("read"), "sums", &signature).expect("trusted now");
        public_of(&trusted[0].to_base64()).expect("a key in words");
        assert!(public_of("nobody").is_err());
    }
}
