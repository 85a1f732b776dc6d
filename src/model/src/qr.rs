//! QR codes for text consoles, terminals and pages.

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

/// A QR code as a drawing of an SVG path, for pages and paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// Width and height in modules, the light margin of four on each side included (ISO/IEC 18004).
    pub size: usize,
    /// The dark modules: the `d` of one SVG path, a module being a unit.
    pub path: String,
}

/// A QR code that stands a crease or a stain (a quarter of it may be lost). None for a text that is
/// too long for one.
pub fn drawing(text: &str) -> Option<Drawing> {
    const MARGIN: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::Q).ok()?;
    let width = code.width();
    let mut path = String::new();
    for y in 0..width {
        let mut x = 0;
        while x < width {
            let run = (x..width).take_while(|x| code[(*x, y)] == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + MARGIN, y + MARGIN));
            }
            x += run + 1;
        }
    }
    Some(Drawing { size: width + 2 * MARGIN, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_has_the_same_modules_as_the_code() {
        let text = "https://mazet.local/welcome?code=2345-6789";
        let drawing = drawing(text).expect("short enough");
        let code = QrCode::with_error_correction_level(text, EcLevel::Q).expect("a code");
        assert_eq!(drawing.size, code.width() + 8);
        let mut dark = vec![vec![false; drawing.size]; drawing.size];
        for run in drawing.path.split_terminator('z') {
            let (from, rest) = run.trim_start_matches('M').split_once('h').expect("a move, then a run");
            let (x, y) = from.split_once(' ').expect("two numbers");
            let (x, y): (usize, usize) = (x.parse().expect("x"), y.parse().expect("y"));
            let length: usize = rest.split('v').next().and_then(|text| text.parse().ok()).expect("a length");
            dark[y][x..x + length].fill(true);
        }
        for (y, line) in dark.iter().enumerate() {
            for (x, module) in line.iter().enumerate() {
                let inside = (4..code.width() + 4).contains(&x) && (4..code.width() + 4).contains(&y);
                assert_eq!(*module, inside && code[(x - 4, y - 4)] == Color::Dark, "{x}, {y}");
            }
        }
        assert_eq!(super::drawing(&"x".repeat(4000)), None);
    }

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
