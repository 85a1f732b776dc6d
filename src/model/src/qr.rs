//! QR codes for text consoles and terminals.

use qrcode::{Color, EcLevel, QrCode};

/// A QR code of half blocks: two modules a character, light ones drawn, since screens are dark.
/// None for a text that is too long for one.
pub fn half_blocks(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let width = code.width();
    // The light margin that readers need, of two modules: the screen is small.
    let light = |x: usize, y: usize| {
        let inside = (2..width + 2).contains(&x) && (2..width + 2).contains(&y);
        !inside || code[(x - 2, y - 2)] == Color::Light
    };
    let mut drawn = String::new();
    for y in (0..width + 4).step_by(2) {
        drawn.push_str("  ");
        for x in 0..width + 4 {
            drawn.push(match (light(x, y), y + 1 < width + 4 && light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        drawn.push('\n');
    }
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_square_with_its_light_margin() {
        let drawn = half_blocks("https://mazet.local/").expect("short enough");
        let lines: Vec<&str> = drawn.lines().collect();
        // 25 modules and two light ones on each side: 29, in 15 lines of two.
        assert_eq!(lines.len(), 15);
        assert!(lines.iter().all(|line| line.chars().count() == 2 + 29));
        assert_eq!(lines[0].trim(), "█".repeat(29));
        assert!(half_blocks(&"x".repeat(4000)).is_none());
    }
}
