//! Text in XML.

/// As it stands in XML. What XML cannot hold at all (a name may have control characters) is a question mark.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\0'..='\u{1f}' if !"\t\n\r".contains(c) => escaped.push('?'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_is_made_safe() {
        assert_eq!(super::escaped("a<b>&\"\u{1}\n"), "a&lt;b&gt;&amp;&quot;?\n");
    }
}
