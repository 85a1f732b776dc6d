//! Sizes as disk makers write them: powers of ten.

use crate::web::form::Visit;

/// "500 GB", "1.8 TB"; "1,8 To" in French.
pub fn of(visit: &Visit, bytes: u64) -> String {
    let (key, number) = scaled(bytes);
    let comma = visit.language == mazet_model::settings::Language::Fr;
    let number = if comma { number.replace('.', ",") } else { number };
    visit.say(key, &[("number", &number)])
}

/// Unit and number: whole gigabytes from ten on, one decimal below and for terabytes.
fn scaled(bytes: u64) -> (&'static str, String) {
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_add(unit / 20) / (unit / 10);
        match tenths % 10 {
            0 => (tenths / 10).to_string(),
            rest => format!("{}.{rest}", tenths / 10),
        }
    };
    const GB: u64 = 1_000_000_000;
    match bytes {
        0..10_000_000_000 => ("disks.unit_gb", tenths(GB)),
        10_000_000_000..999_500_000_000 => ("disks.unit_gb", ((bytes + GB / 2) / GB).to_string()),
        _ => ("disks.unit_tb", tenths(1000 * GB)),
    }
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn sizes_read_as_on_the_box() {
        for (bytes, expected) in [
            (4_010_000_000, ("disks.unit_gb", "4")),
            (7_750_000_000, ("disks.unit_gb", "7.8")),
            (500_107_862_016, ("disks.unit_gb", "500")),
            (999_900_000_000, ("disks.unit_tb", "1")),
            (1_800_360_000_000, ("disks.unit_tb", "1.8")),
        ] {
            let (key, number) = scaled(bytes);
            assert_eq!((key, number.as_str()), expected, "{bytes}");
        }
    }
}
