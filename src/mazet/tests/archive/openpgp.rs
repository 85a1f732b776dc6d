//! Just enough OpenPGP (RFC 4880, with EdDSA as in RFC 9580's legacy keys) to sign a Release
//! file, so that the tests need no program for it: Ed25519 keys, and the clear-signed text.

use std::fmt::Write as _;

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};

/// When the key was made: 2025-01-01. Signatures must be younger.
const KEY_TIME: u32 = 1_735_689_600;
/// When everything is signed: 2026-01-01.
const SIGNING_TIME: u32 = 1_767_225_600;
/// Ed25519's object identifier in OpenPGP: 1.3.6.1.4.1.11591.15.1.
const CURVE: [u8; 9] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01];
const EDDSA: u8 = 22;
const SHA256: u8 = 8;

/// A signing key.
pub struct Key {
    pair: Ed25519KeyPair,
}

impl Key {
    /// The key of a seed: the same seed, the same key.
    pub fn new(seed: u8) -> Self {
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes are a seed") }
    }

    /// The public keyring, as `Signed-By` wants it: key, user id, self-signature.
    pub fn keyring(&self) -> Vec<u8> {
        let name = b"A test's archive <archive@test.invalid>";
        let body = self.public_body();
        let mut bound = prefixed(0x99, &(body.len() as u16).to_be_bytes(), &body);
        bound.extend(prefixed(0xB4, &(name.len() as u32).to_be_bytes(), name));
        // Type 0x13: certification of the user id; the key may sign (flag 0x02), and certify (0x01).
        let certificate = self.signature(0x13, KEY_TIME, &[2, 27, 0x03], &bound);
        [packet(6, &body), packet(13, name), certificate].concat()
    }

    /// Body of the public-key packet, version 4.
    fn public_body(&self) -> Vec<u8> {
        let mut body = vec![4];
        body.extend(KEY_TIME.to_be_bytes());
        body.push(EDDSA);
        body.push(CURVE.len() as u8);
        body.extend(CURVE);
        let point = [&[0x40], self.pair.public_key().as_ref()].concat();
        body.extend(number(&point));
        body
    }

    fn fingerprint(&self) -> [u8; 20] {
        let body = self.public_body();
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &{
            prefixed(0x99, &(body.len() as u16).to_be_bytes(), &body)
        });
        digest.as_ref().try_into().expect("SHA-1 has 20 bytes")
    }

    /// A version 4 signature packet over `data`; `extra` is one more hashed subpacket or nothing.
    fn signature(&self, kind: u8, time: u32, extra: &[u8], data: &[u8]) -> Vec<u8> {
        let fingerprint = self.fingerprint();
        let mut subpackets = vec![5, 2];
        subpackets.extend(time.to_be_bytes());
        subpackets.extend([22, 33, 4]);
        subpackets.extend(fingerprint);
        subpackets.extend(extra);
        let mut hashed = vec![4, kind, EDDSA, SHA256];
        hashed.extend((subpackets.len() as u16).to_be_bytes());
        hashed.extend(&subpackets);
        let mut input = data.to_vec();
        input.extend(&hashed);
        input.extend([4, 0xFF]);
        input.extend((hashed.len() as u32).to_be_bytes());
        let digest = Sha256::digest(&input);
        let signed = self.pair.sign(&digest);
        let (r, s) = signed.as_ref().split_at(32);
        let mut body = hashed;
        body.extend([0, 10, 9, 16]);
        body.extend(&fingerprint[12..]);
        body.extend(&digest[..2]);
        body.extend([number(r), number(s)].concat());
        packet(2, &body)
    }
}

/// The text, clear-signed (RFC 4880, section 7) with each of the keys. Lines must not begin with `-`
/// nor end with a space: the text is then its own canonical form, but for the line ends.
pub fn clear_sign(keys: &[Key], text: &str) -> String {
    let text = text.trim_end_matches('\n');
    let canonical = text.replace('\n', "\r\n");
    let sign = |key: &Key| key.signature(0x01, SIGNING_TIME, &[], canonical.as_bytes());
    let signatures = keys.iter().flat_map(sign).collect::<Vec<_>>();
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{text}\n\
         -----BEGIN PGP SIGNATURE-----\n\n{}-----END PGP SIGNATURE-----\n",
        armor(&signatures)
    )
}

fn prefixed(tag: u8, length: &[u8], body: &[u8]) -> Vec<u8> {
    [&[tag], length, body].concat()
}

/// A packet with a new-format header; bodies here are shorter than 8384 bytes.
fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let header = match body.len() {
        short @ 0..192 => vec![0xC0 | tag, short as u8],
        long => vec![0xC0 | tag, ((long - 192) >> 8) as u8 + 192, ((long - 192) & 0xFF) as u8],
    };
    [header, body.to_vec()].concat()
}

/// A multiprecision integer: its length in bits, then its bytes without leading zeros.
fn number(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let bits = bytes.first().map_or(0, |first| bytes.len() * 8 - first.leading_zeros() as usize);
    [&(bits as u16).to_be_bytes(), bytes].concat()
}

/// Base64 in lines of 64, then the checksum of RFC 4880, section 6.1.
fn armor(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in base64(bytes).as_bytes().chunks(64) {
        let _ = writeln!(text, "{}", String::from_utf8_lossy(line));
    }
    let mut crc = 0x00B7_04CE_u32;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4CFB;
            }
        }
    }
    let _ = writeln!(text, "={}", base64(&crc.to_be_bytes()[1..]));
    text
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let value =
            group.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(value >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
