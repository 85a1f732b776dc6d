//! The form of claim codes: proof that a visitor of the wizard stands before the machine, or
//! was given the code by the person who flashed its stick.

/// Letters and digits that nobody takes for one another: no 0 or O, no 1, I or L. U is left out
/// so that 31 − 1 = 30 remain and few words can be spelt.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code: 30^8 are 656 thousand million.
pub const LENGTH: usize = 8;

/// Upper case, without the spaces and dashes that people type.
pub fn normalise(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// A code in groups of four, as people read it: `ABCD-EFGH`.
pub fn grouped(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// Draws a code of [`LENGTH`] characters, ungrouped. `random` gives one random byte a call; bytes
/// at the upper end are drawn again, so that all codes are as likely.
///
/// # Errors
/// What `random` gives.
pub fn draw<E>(mut random: impl FnMut() -> Result<u8, E>) -> Result<String, E> {
    let fair = u8::MAX - u8::MAX % 30;
    let mut code = String::new();
    while code.len() < LENGTH {
        let byte = random()?;
        if byte < fair {
            code.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_fairly_and_reads_back_as_typed() {
        let mut bytes = [255, 0, 29, 30, 254, 239, 240, 0, 1, 2, 3].into_iter();
        let code = draw(|| bytes.next().ok_or("out of bytes")).expect("drawn");
        assert_eq!(code, "2Z2Z2345");
        assert_eq!(grouped(&code), "2Z2Z-2345");
        assert_eq!(normalise(" 2z2z-23 45 "), code);
        assert_eq!(draw(|| Err::<u8, _>("no randomness")), Err("no randomness"));
    }
}
