//! Random tokens: sessions and CSRF.

use std::fmt::Write as _;

use subtle::ConstantTimeEq as _;

/// 256 random bits, written as 64 hexadecimal digits.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Draw a token from the kernel.
    ///
    /// # Errors
    /// The kernel has no randomness to give.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self::of_bytes(&bytes))
    }

    /// The token that is these bits.
    pub fn of_bytes(bytes: &[u8; 32]) -> Self {
        Self(bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// As sent to the browser.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is this what the browser sent back? In constant time for equal lengths.
    pub fn is(&self, sent: &str) -> bool {
        same(&self.0, sent)
    }

    /// A token that a browser sent, if it has a token's shape.
    pub fn parse(sent: &str) -> Option<Self> {
        let shaped = sent.len() == 64 && sent.bytes().all(|byte| byte.is_ascii_hexdigit());
        shaped.then(|| Self(sent.to_owned()))
    }
}

/// Compare two secrets in constant time for equal lengths.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_256_bits_long() {
        let (one, other) = (Token::draw().unwrap(), Token::draw().unwrap());
        assert_eq!(one.as_str().len(), 64);
        assert!(one.is(one.as_str()));
        assert!(!one.is(other.as_str()));
        assert!(!one.is(""));
    }

    #[test]
    fn only_a_token_parses_as_one() {
        assert!(Token::parse(&"a".repeat(64)).is_some());
        assert!(Token::parse(&"a".repeat(63)).is_none());
        assert!(Token::parse(&"z".repeat(64)).is_none());
    }
}
