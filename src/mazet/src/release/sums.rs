//! `NAME.SHA256SUMS`: the sums of all files of a release, in the form that `sha256sum --check`
//! reads (GNU coreutils).

use std::path::Path;

use anyhow::{Result, bail};

use crate::digest::Digest;

/// Sums by file name, without folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(Vec<(String, Digest)>);

impl Sums {
    /// The sums of files in `folder`.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn of(folder: &Path, names: impl IntoIterator<Item = String>) -> Result<Self> {
        let sum = |name: String| Digest::of_file(&folder.join(&name)).map(|sum| (name, sum));
        Ok(Self(names.into_iter().map(sum).collect::<Result<_>>()?))
    }

    /// The file's text.
    pub fn render(&self) -> String {
        self.0.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect()
    }

    /// Reads such a text.
    ///
    /// # Errors
    /// When a line has another form, or names a file elsewhere.
    pub fn parse(text: &str) -> Result<Self> {
        let mut sums = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let parts = line.split_once("  ").or_else(|| line.split_once(" *"));
            match parts.map(|(sum, name)| (name, sum.parse::<Digest>())) {
                Some((name, Ok(sum))) if !name.is_empty() && !name.contains('/') => {
                    sums.push((name.to_owned(), sum));
                }
                _ => bail!("line {number} of the list of sums has another form: {line}"),
            }
        }
        Ok(Self(sums))
    }

    /// The sum of a file.
    pub fn get(&self, name: &str) -> Option<Digest> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, sum)| *sum)
    }

    /// Names and sums.
    pub fn iter(&self) -> impl Iterator<Item = &(String, Digest)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_read_back_and_name_no_file_elsewhere() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("pc.img"), "image").expect("written");
        let sums = Sums::of(folder.path(), ["pc.img".to_owned()]).expect("read");
        assert_eq!(sums.get("pc.img"), Some(Digest::of("image")));
        assert_eq!(Sums::parse(&sums.render()).expect("own form"), sums);
        let elsewhere = sums.render().replace("pc.img", "../pc.img");
        assert!(Sums::parse(&elsewhere).expect_err("refused").to_string().starts_with("line 1 of"));
        assert!(Sums::parse("12  pc.img\n").is_err());
    }
}
