/// Formats a number of things, such as 1 call or 2 calls.
#[must_use]
pub fn plural(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    format!(
        "{} {noun}{}",
        thousands(count),
        if count == 1 { "" } else { "s" }
    )
}

/// Formats a number to a tenth, or to a whole number from 1000 on.
#[must_use]
pub fn decimal(value: f64) -> String {
    let text = format!("{value:.1}");
    if text.len() > "999.9".len() {
        thousands(value.round() as u64)
    } else {
        text
    }
}

/// Formats a number with a comma between the thousands.
#[must_use]
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_few() {
        let texts = [0.04, 11.449, 999.94, 999.96, 86_400.0].map(decimal);
        assert_eq!(texts, ["0.0", "11.4", "999.9", "1,000", "86,400"]);
    }

    #[test]
    fn thousands_are_separated() {
        let texts = [0, 999, 1000, 12_345, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }
}
