//! What a file is, by its first bytes: its name may lie. Only what cannot act is ever shown in a page;
//! HTML, SVG and the like are text there.

/// Bytes at a file's beginning that are looked at.
pub const HEAD: usize = 8 << 10;

/// How a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// As a picture.
    Picture,
    /// By the browser's own reader.
    Pdf,
    /// As plain text.
    Text,
    /// With a player.
    Audio,
    /// With a player.
    Video,
    /// Not at all: it is downloaded.
    Not,
}

/// A file's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Media type that it is sent with.
    pub media: &'static str,
    /// How it is shown.
    pub show: Show,
}

/// What browsers show, by what [`infer`] calls it, and what it is sent as.
const SHOWN: [(&str, &str, Show); 23] = [
    ("image/jpeg", "image/jpeg", Show::Picture),
    ("image/png", "image/png", Show::Picture),
    ("image/gif", "image/gif", Show::Picture),
    ("image/webp", "image/webp", Show::Picture),
    ("image/bmp", "image/bmp", Show::Picture),
    ("image/avif", "image/avif", Show::Picture),
    ("application/pdf", "application/pdf", Show::Pdf),
    ("audio/mpeg", "audio/mpeg", Show::Audio),
    ("audio/m4a", "audio/mp4", Show::Audio),
    ("audio/ogg", "audio/ogg", Show::Audio),
    ("audio/opus", "audio/ogg", Show::Audio),
    ("audio/x-flac", "audio/flac", Show::Audio),
    ("audio/x-wav", "audio/wav", Show::Audio),
    ("audio/aac", "audio/aac", Show::Audio),
    ("video/mp4", "video/mp4", Show::Video),
    ("video/x-m4v", "video/mp4", Show::Video),
    ("video/webm", "video/webm", Show::Video),
    ("video/x-matroska", "video/x-matroska", Show::Video),
    ("video/quicktime", "video/quicktime", Show::Video),
    ("video/ogg", "video/ogg", Show::Video),
    ("application/ogg", "application/ogg", Show::Audio),
    ("video/3gpp", "video/3gpp", Show::Video),
    ("image/vnd.microsoft.icon", "image/x-icon", Show::Picture),
];

/// The kind of a file with these first bytes, at most [`HEAD`] of them.
pub fn of(head: &[u8]) -> Kind {
    let found = infer::get(head).map(|found| found.mime_type());
    let shown = SHOWN.iter().find(|(name, ..)| Some(*name) == found);
    match shown {
        Some((_, media, show)) => Kind { media, show: *show },
        None if is_text(head) => Kind { media: "text/plain; charset=utf-8", show: Show::Text },
        None => Kind { media: "application/octet-stream", show: Show::Not },
    }
}

/// UTF-8 without control characters, perhaps cut within a character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !"\t\n\r\u{c}\u{1b}".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_is_text() {
        for active in [
            "<!DOCTYPE html><script>alert(1)</script>",
            "<svg xmlns='x' onload='a()'/>",
            "<?xml version='1.0'?><a/>",
        ] {
            assert_eq!(of(active.as_bytes()).show, Show::Text, "{active}");
            assert_eq!(of(active.as_bytes()).media, "text/plain; charset=utf-8");
        }
    }

    #[test]
    fn the_first_bytes_count() {
        assert_eq!(of(b"\x89PNG\r\n\x1a\n0000").media, "image/png");
        assert_eq!(of(b"%PDF-1.7\n").show, Show::Pdf);
        assert_eq!(of(b"PK\x03\x04\x14\0\0\0").show, Show::Not);
        assert_eq!(of(b"").show, Show::Text);
        assert_eq!(of(b"a\0b").show, Show::Not);
        let cut = &"été".as_bytes()[..4];
        assert_eq!(of(cut).show, Show::Text);
        assert_eq!(of(b"\xe9t\xe9").show, Show::Not);
    }
}
