//! The files of all pages, by name.

/// A template below `pages/`, named by its path there.
macro_rules! page {
    ($name:literal) => {
        ($name, include_str!(concat!("../../pages/", $name, ".hbs")))
    };
}

/// The frame, and what several pages use.
const SHARED: &[(&str, &str)] = &[
    page!("buttons"),
    page!("csrf"),
    page!("error"),
    page!("faults"),
    page!("field"),
    page!("layout"),
    page!("navigation"),
    page!("notices"),
    page!("qr"),
    page!("said"),
    page!("steps"),
    page!("wifi-fields"),
];

/// The wizard of the live system.
const WIZARD: &[(&str, &str)] = &[
    page!("association"),
    page!("claim"),
    page!("disks"),
    page!("failed"),
    page!("finished"),
    page!("language"),
    page!("operator"),
    page!("progress"),
    page!("source"),
    page!("start"),
    page!("summary"),
    page!("waiting"),
    page!("wifi"),
];

/// The installed box, for strangers and for everybody's own account.
const ACCOUNT: &[(&str, &str)] = &[
    page!("account/api"),
    page!("account/application"),
    page!("account/applications"),
    page!("account/change"),
    page!("account/choose"),
    page!("account/connect"),
    page!("account/devices"),
    page!("account/factor"),
    page!("account/forgotten"),
    page!("account/profile"),
    page!("account/recovery"),
    page!("account/second"),
    page!("account/sign-in"),
    page!("account/slip"),
    page!("account/tiles"),
    page!("authority"),
    page!("done"),
    page!("home"),
];

/// People, groups and organisations, for those who manage them.
const PEOPLE: &[(&str, &str)] = &[
    page!("people/domains"),
    page!("people/events"),
    page!("people/group"),
    page!("people/groups"),
    page!("people/import"),
    page!("people/leave"),
    page!("people/list"),
    page!("people/new"),
    page!("people/organisation"),
    page!("people/organisation-new"),
    page!("people/organisation-remove"),
    page!("people/organisations"),
    page!("people/paper"),
    page!("people/papers"),
    page!("people/person"),
    page!("people/preview"),
    page!("people/remove"),
    page!("people/resources"),
];

/// The machine, for operators.
const MACHINE: &[(&str, &str)] = &[
    page!("machine/certificates"),
    page!("machine/change"),
    page!("machine/choice"),
    page!("machine/mail"),
    page!("machine/network"),
    page!("machine/overview"),
    page!("machine/preview"),
    page!("machine/report"),
    page!("machine/services"),
    page!("machine/settings"),
    page!("machine/sites"),
    page!("machine/trial"),
    page!("machine/wifi"),
];

/// Web sites, for those who write them.
const WEBSITES: &[(&str, &str)] = &[
    page!("websites/list"),
    page!("websites/new"),
    page!("websites/one"),
    page!("websites/password"),
    page!("websites/state"),
];

/// Every template.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    [SHARED, WIZARD, ACCOUNT, PEOPLE, MACHINE, WEBSITES].into_iter().flatten().copied()
}
