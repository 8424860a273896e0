//! The fields that an update writes.

use crate::field::Findings;

/// The fields that an update writes. Invariant: every one of them is known.
#[derive(Debug)]
pub struct Mask(Vec<&'static str>);

impl Mask {
    /// Reads `paths`, which may name `known` fields, or all of them by `*`.
    pub fn parse(paths: &[String], known: &'static [&'static str]) -> Result<Self, Findings> {
        let mut findings = Findings::default();
        if paths.is_empty() {
            findings.add("update_mask", "must name at least one field");
        }
        let mut fields = Vec::new();
        for path in paths {
            match known.iter().find(|it| *it == path) {
                Some(field) => fields.push(*field),
                None if path == "*" => fields.extend_from_slice(known),
                None => findings.add(
                    "update_mask",
                    format!("`{path}` is not a field; it may name {}", known.join(", ")),
                ),
            }
        }
        findings.end()?;
        Ok(Self(fields))
    }

    /// Tells whether the update writes `field`.
    pub fn names(&self, field: &str) -> bool {
        self.0.contains(&field)
    }

    /// Writes `new` over `old` if the update writes `field`, and tells whether that changed it.
    pub fn write<T: PartialEq>(&self, field: &str, old: &mut T, new: T) -> bool {
        let changes = self.names(field) && *old != new;
        if changes {
            *old = new;
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["name", "sku"];

    #[test]
    fn a_mask_names_fields() -> Result<(), Findings> {
        let mask = Mask::parse(&["sku".into()], KNOWN)?;
        assert!(mask.names("sku") && !mask.names("name"));
        assert!(Mask::parse(&["*".into()], KNOWN)?.names("name"));
        Ok(())
    }

    #[test]
    fn unknown_fields_are_named() {
        let Err(findings) = Mask::parse(&["name".into(), "price".into()], KNOWN) else {
            panic!("accepted")
        };
        let [(path, sentence)] = findings.fields() else { panic!("{findings}") };
        assert_eq!(path, "update_mask");
        assert!(sentence.starts_with("`price` is not a field"), "{sentence}");
        assert!(Mask::parse(&[], KNOWN).is_err());
    }

    #[test]
    fn only_named_fields_are_written() -> Result<(), Findings> {
        let mask = Mask::parse(&["sku".into()], KNOWN)?;
        let (mut sku, mut name) = (1, 1);
        assert!(mask.write("sku", &mut sku, 2) && !mask.write("sku", &mut sku, 2));
        assert!(!mask.write("name", &mut name, 2));
        assert_eq!((sku, name), (2, 1));
        Ok(())
    }
}
