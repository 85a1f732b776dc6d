//! Numbers of things, one type for each kind of thing.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

id! {
    /// A person.
    PersonId,
    /// An association.
    OrganisationId,
    /// A group of people.
    GroupId,
    /// A room or a thing that is booked.
    ResourceId,
    /// An address beside the usual one.
    AliasId,
    /// A signed-in browser.
    SessionId,
    /// A message that the box sends.
    MessageId,
    /// An application password.
    ApplicationPasswordId,
}
