//! What a person reads on the machine's screen.

use std::time::Duration;

use anyhow::{Result, anyhow};
use mazet_boot::Qemu;

/// What stands before the claim code, in the box's two languages.
const BEFORE: [&str; 2] = ["Claim code: ", "Code de prise en main : "];

/// The claim code from the serial console, as it was shown last.
pub fn claim_code(qemu: &Qemu) -> Result<String> {
    let found = qemu.serial().wait(Duration::from_secs(300), last_code);
    found.map_err(|nothing| {
        anyhow!(
            "no claim code on the serial console ({nothing:?}); its log: {}",
            qemu.serial().log().display()
        )
    })
}

/// The last whole claim code of a console text: four characters, a dash, four characters.
fn last_code(text: &str) -> Option<String> {
    let after = BEFORE.iter().flat_map(|before| text.match_indices(before).map(|(at, _)| at + before.len()));
    let code = |at: usize| text[at..].split_whitespace().next().filter(|word| is_code(word));
    let mut places: Vec<usize> = after.collect();
    places.sort_unstable();
    places.into_iter().rev().find_map(code).map(str::to_owned)
}

fn is_code(word: &str) -> bool {
    let letters = |half: &str| half.len() == 4 && half.chars().all(|c| c.is_ascii_alphanumeric());
    word.split_once('-').is_some_and(|(left, right)| letters(left) && letters(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_code_counts() {
        let text = "Claim code: AAAA-1111\n...\nCode de prise en main : BBBB-2222\nhttps://10.0.2.15/\n";
        assert_eq!(last_code(text).as_deref(), Some("BBBB-2222"));
    }

    #[test]
    fn half_a_code_is_none() {
        assert_eq!(last_code("Claim code: AAAA-11"), None);
        assert_eq!(last_code("Claim code: "), None);
        assert_eq!(last_code("Claim code: AAAA-1111\nClaim code: BB").as_deref(), Some("AAAA-1111"));
    }
}
