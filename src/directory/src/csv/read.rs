//! Reading a table: its encoding, its divider, its columns.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::{BYTES, LineFault, MOST, What};

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Full name.
    Name,
    /// Login.
    Login,
    /// Address elsewhere.
    Contact,
    /// Language.
    Language,
    /// Roles.
    Roles,
    /// Groups.
    Groups,
}

impl Column {
    /// All, in the order of an export.
    pub const ALL: [Self; 6] =
        [Self::Name, Self::Login, Self::Contact, Self::Language, Self::Roles, Self::Groups];

    /// Its name in an export.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// All names that it may have, in small letters.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["name", "nom", "nom complet", "full name"],
            Self::Login => &["login", "identifiant"],
            Self::Contact => &["contact", "e-mail", "email", "mail", "courriel", "adresse e-mail"],
            Self::Language => &["language", "langue"],
            Self::Roles => &["roles", "rôles", "role", "rôle"],
            Self::Groups => &["groups", "groupes", "group", "groupe"],
        }
    }

    fn of(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        Self::ALL.into_iter().find(|column| column.names().contains(&text.as_str()))
    }
}

/// A line that has as many values as there are columns.
pub(super) struct Line {
    /// The line of column names is 1.
    pub number: u64,
    cells: Vec<(Column, String)>,
}

impl Line {
    /// Empty where there is no such column.
    pub fn get(&self, column: Column) -> &str {
        self.cells.iter().find(|(other, _)| *other == column).map_or("", |(_, cell)| cell)
    }

    pub fn fault(&self, column: Column, what: What) -> LineFault {
        LineFault { line: self.number, value: self.get(column).to_owned(), what }
    }
}

/// The lines of a table, and what is wrong with its form.
pub(super) fn read(table: &[u8]) -> (Vec<Line>, Vec<LineFault>) {
    let fault = |line: u64, value: &str, what| LineFault { line, value: value.to_owned(), what };
    if table.len() > BYTES {
        return (Vec::new(), vec![fault(1, "", What::TooMany)]);
    }
    // Lines are counted by their ends.
    let text = decoded(table).replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(divider(&text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records().flatten();
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    let names = records.next().unwrap_or_default();
    let columns: Vec<Option<Column>> = names.iter().map(Column::of).collect();
    for (at, (name, column)) in names.iter().zip(&columns).enumerate() {
        match column {
            None => faults.push(fault(1, name, What::UnknownColumn)),
            Some(_) if columns[..at].contains(column) => faults.push(fault(1, name, What::ColumnTwice)),
            Some(_) => {}
        }
    }
    if !columns.contains(&Some(Column::Name)) {
        faults.push(fault(1, "", What::NoNames));
        return (lines, faults);
    }
    for record in records.filter(|record| record.iter().any(|cell| !cell.trim().is_empty())) {
        let number = line_of(&text, &record);
        if lines.len() == MOST {
            faults.push(fault(number, "", What::TooMany));
            break;
        }
        if record.len() != columns.len() {
            faults.push(fault(number, record.get(0).unwrap_or_default(), What::Ragged));
            continue;
        }
        let cells = columns.iter().zip(&record);
        let cells = cells.filter_map(|(column, cell)| Some(((*column)?, plain(cell)))).collect();
        lines.push(Line { number, cells });
    }
    (lines, faults)
}

/// The line that a record begins on. The reader tells where it began to look, which may be at empty
/// lines before.
fn line_of(text: &str, record: &csv::StringRecord) -> u64 {
    let from = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    let empty = text[from..].bytes().take_while(|byte| *byte == b'\n').count();
    1 + text[..from + empty].bytes().filter(|byte| *byte == b'\n').count() as u64
}

/// Without the mark that keeps a spreadsheet from taking a cell for a formula.
fn plain(cell: &str) -> String {
    let cell = cell.trim();
    let marked = cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@']));
    marked.unwrap_or(cell).to_owned()
}

/// The text of a table: UTF-8 or UTF-16 where a byte order mark says so, UTF-8 where it is that, else
/// Windows-1252.
pub fn decoded(table: &[u8]) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(table) {
        return encoding.decode_without_bom_handling(&table[mark..]).0.into_owned();
    }
    match std::str::from_utf8(table) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(table).0.into_owned(),
    }
}

/// What divides the first line into most parts.
fn divider(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |divider: &u8| first.bytes().filter(|byte| byte == divider).count();
    // Of equal ones the last: a comma.
    b"\t;,".iter().copied().max_by_key(count).unwrap_or(b',')
}

/// A login made from a name: "Zoé Le Goff" becomes `zoe.le.goff`.
pub(super) fn login_from(name: &str) -> String {
    let mut login = String::new();
    for c in name.to_lowercase().chars() {
        let plain = match c {
            'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' => "a",
            'ç' => "c",
            'é' | 'è' | 'ê' | 'ë' => "e",
            'î' | 'ï' | 'í' | 'ì' => "i",
            'ñ' => "n",
            'ô' | 'ö' | 'ó' | 'ò' | 'õ' => "o",
            'ù' | 'û' | 'ü' | 'ú' => "u",
            'ÿ' | 'ý' => "y",
            'æ' => "ae",
            'œ' => "oe",
            'ß' => "ss",
            '-' => "-",
            c if c.is_ascii_alphanumeric() => {
                login.push(c);
                continue;
            }
            _ => ".",
        };
        login.push_str(plain);
    }
    while login.contains("..") {
        login = login.replace("..", ".");
    }
    login.trim_matches(['.', '-']).chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_made_from_names() {
        assert_eq!(login_from("Zoé Le  Goff"), "zoe.le.goff");
        assert_eq!(login_from("Anne-Cécile d’Œuvre"), "anne-cecile.d.oeuvre");
        assert_eq!(login_from("名前"), "");
    }

    #[test]
    fn tables_of_old_spreadsheets_are_read() {
        let table = b"Nom;Courriel\r\nZo\xe9 \x8cuvre;zoe@example.org\r\n\r\n";
        let (lines, faults) = read(table);
        assert_eq!(faults, []);
        assert_eq!((lines.len(), lines[0].number), (1, 2));
        assert_eq!(lines[0].get(Column::Name), "Zoé Œuvre");
        assert_eq!(lines[0].get(Column::Contact), "zoe@example.org");
        assert_eq!(lines[0].get(Column::Login), "");
    }

    #[test]
    fn every_encoding_of_a_spreadsheet_gives_the_same_text() {
        let text = "nom;courriel\nZoé Œuvre – l’été;z@example.org\n";
        let (windows, _, lost) = WINDOWS_1252.encode(text);
        assert!(!lost);
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes(), format!("\u{feff}{text}").as_bytes(), &windows, &utf16] {
            assert_eq!(decoded(bytes), text);
        }
    }

    #[test]
    fn every_fault_of_form_is_told() {
        let (_, faults) = read(b"name,age,name\nAda,1\n");
        let told: Vec<_> = faults.iter().map(|fault| (fault.line, fault.what)).collect();
        assert_eq!(told, [(1, What::UnknownColumn), (1, What::ColumnTwice), (2, What::Ragged)]);
        assert_eq!(read(b"").1[0].what, What::NoNames);
        assert_eq!(read("\u{feff}nom\nAda\n".as_bytes()).0.len(), 1);
    }
}
