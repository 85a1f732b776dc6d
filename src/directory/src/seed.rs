//! The first association and the operator, from what the wizard was told.

use crate::error::Result;
use crate::organisations::{self, Wish};
use crate::people::{self, New};
use crate::{Actor, Directory, Role, audit};

/// What the wizard was told.
#[derive(Clone)]
pub struct Seed {
    /// The association's name.
    pub organisation: String,
    /// The operator's full name.
    pub name: String,
    /// The operator's login.
    pub login: String,
    /// PHC string of the operator's password.
    pub password: String,
}

/// Puts the first association and the operator, who is its manager too, into a directory that holds
/// nobody yet; true if it was so. Done twice, nothing changes.
///
/// # Errors
/// When the values cannot be taken, or the database does not answer.
pub async fn first(directory: &Directory, seed: &Seed) -> Result<bool> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    transaction.execute("lock table organisation, person in share row exclusive mode", &[]).await?;
    let empty = "select not exists (select from organisation) and not exists (select from person)";
    if !transaction.query_one(empty, &[]).await?.get::<_, bool>(0) {
        transaction.rollback().await?;
        return Ok(false);
    }
    let sound = organisations::sound(&Wish::named(&seed.organisation))?;
    let organisation = organisations::insert(&transaction, &sound).await?;
    let new = New {
        organisation,
        login: seed.login.clone(),
        name: seed.name.clone(),
        contact: String::new(),
        language: None,
        roles: [Role::Manager].into(),
    };
    let person = people::insert(&transaction, &new).await?;
    let statement = "update person set password = $2, operator = true where id = $1";
    transaction.execute(statement, &[&person.0, &seed.password]).await?;
    let account = people::account(&transaction, person).await?;
    audit::record_for(&transaction, &Actor::system(), &account, "box.seed", &seed.login, "").await?;
    transaction.commit().await?;
    Ok(true)
}
