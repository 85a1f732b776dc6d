//! In which order packages come into a tree: what their control files say of it.
//!
//! dpkg orders the configuring by itself and refuses what is not in order (Debian Policy, 7.2):
//! here it is only decided what is given to it together.

use std::collections::BTreeSet;

/// What a control file says of the order (Debian Policy, 5.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    /// Name.
    pub name: String,
    /// Has a script that runs before it is unpacked.
    pub preinst: bool,
    /// Part of every Debian.
    pub essential: bool,
    /// Must be configured before this is unpacked.
    pub pre_depends: Vec<Vec<String>>,
    /// Must be configured before this is.
    pub depends: Vec<Vec<String>>,
    /// Other names that it stands for.
    pub provides: Vec<String>,
}

impl Control {
    /// Reads a control file.
    pub fn parse(paragraph: &str) -> Self {
        let field = |name: &str| {
            let value = paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_default()
        };
        Self {
            name: field("Package").to_owned(),
            preinst: false,
            essential: field("Essential") == "yes",
            pre_depends: relations(field("Pre-Depends")),
            depends: relations(field("Depends")),
            provides: relations(field("Provides")).concat(),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name == name || self.provides.iter().any(|other| other == name)
    }
}

/// `a (>= 1) | b:any, c` as alternatives of names.
fn relations(field: &str) -> Vec<Vec<String>> {
    let name = |text: &str| {
        let end = text.find([' ', '(', '[', ':']).unwrap_or(text.len());
        text[..end].to_owned()
    };
    let groups = field.split(',').map(str::trim).filter(|group| !group.is_empty());
    groups.map(|group| group.split('|').map(|text| name(text.trim())).collect()).collect()
}

/// What is done, step by step; numbers are those of the packages given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Unpack these.
    Unpack(Vec<usize>),
    /// Configure these, which later ones must find configured.
    Configure(Vec<usize>),
}

/// Essential packages and all that they depend on.
pub fn essential(packages: &[Control]) -> BTreeSet<usize> {
    let roots = (0..packages.len()).filter(|i| packages[*i].essential).collect();
    closure(packages, roots)
}

/// Steps that bring in all packages but those of `there`, which are configured already. What is
/// unpacked at the end is still to be configured.
pub fn steps(packages: &[Control], there: &BTreeSet<usize>) -> Vec<Step> {
    let (mut configured, mut unpacked) = (there.clone(), there.clone());
    let mut steps = Vec::new();
    while unpacked.len() < packages.len() {
        let waiting = |i: &usize| !unpacked.contains(i);
        let ready: Vec<_> = (0..packages.len())
            .filter(waiting)
            .filter(|i| needed(packages, &packages[*i].pre_depends).all(|other| configured.contains(&other)))
            .collect();
        if ready.is_empty() {
            // What some of the others wait for, where all that it needs is unpacked; everything at
            // once where they wait for each other.
            let rest: Vec<_> = (0..packages.len()).filter(waiting).collect();
            let wanted = rest.iter().map(|i| {
                closure(packages, needed(packages, &packages[*i].pre_depends).collect::<BTreeSet<_>>())
            });
            let whole = wanted.filter(|all| all.is_subset(&unpacked));
            let next: BTreeSet<_> = whole.flatten().filter(|i| !configured.contains(i)).collect();
            let next: Vec<_> = next.into_iter().collect();
            if next.is_empty() {
                steps.push(Step::Unpack(rest));
                return steps;
            }
            configured.extend(&next);
            steps.push(Step::Configure(next));
        } else {
            unpacked.extend(&ready);
            steps.push(Step::Unpack(ready));
        }
    }
    steps
}

/// Packages of the set that the alternatives mean: of each the first that is there.
fn needed<'a>(packages: &'a [Control], groups: &'a [Vec<String>]) -> impl Iterator<Item = usize> + 'a {
    groups.iter().filter_map(|group| {
        group.iter().find_map(|name| {
            let by_name = packages.iter().position(|package| package.name == *name);
            by_name.or_else(|| packages.iter().position(|package| package.is(name)))
        })
    })
}

fn closure(packages: &[Control], roots: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut all = roots.clone();
    let mut next: Vec<_> = roots.into_iter().collect();
    while let Some(i) = next.pop() {
        let package = &packages[i];
        for other in needed(packages, &package.pre_depends).chain(needed(packages, &package.depends)) {
            if all.insert(other) {
                next.push(other);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(texts: &[&str]) -> Vec<Control> {
        texts.iter().map(|text| Control::parse(text)).collect()
    }

    #[test]
    fn relations_are_read_without_versions_and_architectures() {
        let control = Control::parse(
            "Package: a\nEssential: yes\nPre-Depends: b (>= 1), c:any | d [linux-any]\nProvides: e (= 2), f\n",
        );
        assert_eq!(control.pre_depends, [vec!["b"], vec!["c", "d"]]);
        assert_eq!((control.essential, control.provides), (true, vec!["e".to_owned(), "f".to_owned()]));
    }

    #[test]
    fn essential_packages_bring_what_they_need() {
        let all = packages(&[
            "Package: sh\nEssential: yes\nDepends: awk",
            "Package: mawk\nProvides: awk\nDepends: libc",
            "Package: libc",
            "Package: nginx\nDepends: libc",
        ]);
        assert_eq!(essential(&all), BTreeSet::from([0, 1, 2]));
    }

    #[test]
    fn a_pre_dependency_is_configured_first() {
        let all = packages(&[
            "Package: a\nPre-Depends: b",
            "Package: b\nDepends: c",
            "Package: c",
            "Package: d\nPre-Depends: not-in-the-set",
        ]);
        let expected = [Step::Unpack(vec![1, 2, 3]), Step::Configure(vec![1, 2]), Step::Unpack(vec![0])];
        assert_eq!(steps(&all, &BTreeSet::new()), expected);
        assert_eq!(steps(&all, &BTreeSet::from([1, 2])), [Step::Unpack(vec![0, 3])]);
    }

    #[test]
    fn nothing_is_configured_before_all_that_it_needs_is_unpacked() {
        let all = packages(&[
            "Package: cron\nPre-Depends: cron-common",
            "Package: cron-common\nDepends: systemd | sysusers",
            "Package: systemd\nPre-Depends: libseccomp",
            "Package: libseccomp",
        ]);
        let expected = [
            Step::Unpack(vec![1, 3]),
            Step::Configure(vec![3]),
            Step::Unpack(vec![2]),
            Step::Configure(vec![1, 2]),
            Step::Unpack(vec![0]),
        ];
        assert_eq!(steps(&all, &BTreeSet::new()), expected);
    }

    #[test]
    fn packages_that_wait_for_each_other_are_left_to_dpkg() {
        let all = packages(&["Package: a\nPre-Depends: b", "Package: b\nPre-Depends: a"]);
        assert_eq!(steps(&all, &BTreeSet::new()), [Step::Unpack(vec![0, 1])]);
    }
}
