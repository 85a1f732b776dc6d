//! "Did you mean …?"

/// The candidate nearest to what was written, when one is near enough to be meant.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (written.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(written, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two words. A word begun and not finished is one edit away.
fn distance(written: &str, candidate: &str) -> usize {
    if written.chars().count() >= 3 && candidate.starts_with(written) {
        return 1;
    }
    strsim::damerau_levenshtein(written, candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let words = ["packages", "services", "port"];
        assert_eq!(nearest("pakcages", words), Some("packages"));
        assert_eq!(nearest("pack", words), Some("packages"));
        assert_eq!(nearest("pots", words), None);
        assert_eq!(nearest("por", words), Some("port"));
        assert_eq!(nearest("x", words), None);
    }
}
