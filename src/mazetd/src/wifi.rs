//! Wi-Fi: the key's place.

/// The network's key (64 hexadecimal digits and a line break), below the root; mode 0600.
pub const KEY: &str = "srv/mazet/secrets/wifi.psk";
