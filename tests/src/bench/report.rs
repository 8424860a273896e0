//! What was measured.

use std::path::Path;

use serde_json::{Value, json};

use crate::Result;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

/// One figure.
#[derive(Clone, Debug)]
pub(super) struct Row {
    area: &'static str,
    setting: String,
    name: String,
    figure: f64,
    unit: &'static str,
    aim: Option<Aim>,
}

impl Row {
    /// A figure of `area`: what is counted or timed under which `setting`, and in which unit.
    pub(super) fn new(
        area: &'static str,
        setting: impl Into<String>,
        name: impl Into<String>,
        figure: f64,
        unit: &'static str,
    ) -> Self {
        Self { area, setting: setting.into(), name: name.into(), figure, unit, aim: None }
    }

    /// It should be so much or more.
    pub(super) fn at_least(self, aim: f64) -> Self {
        Self { aim: Some(Aim::AtLeast(aim)), ..self }
    }

    /// It should be so much or less.
    pub(super) fn at_most(self, aim: f64) -> Self {
        Self { aim: Some(Aim::AtMost(aim)), ..self }
    }

    fn is_met(&self) -> Option<bool> {
        Some(match self.aim? {
            Aim::AtLeast(aim) => aim <= self.figure,
            Aim::AtMost(aim) => self.figure <= aim,
        })
    }

    fn print(&self) {
        let aim = match self.aim {
            Some(Aim::AtLeast(aim)) => format!("≥ {aim}"),
            Some(Aim::AtMost(aim)) => format!("≤ {aim}"),
            None => String::new(),
        };
        let word = match self.is_met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let (setting, name, unit) = (&self.setting, &self.name, self.unit);
        let figure = text(self.figure);
        println!("  {setting:<38} {name:<44} {figure:>10} {unit:<10} {aim:>8} {word}");
    }

    fn json(&self) -> Value {
        let (at_least, at_most) = match self.aim {
            Some(Aim::AtLeast(aim)) => (Some(aim), None),
            Some(Aim::AtMost(aim)) => (None, Some(aim)),
            None => (None, None),
        };
        json!({
            "area": self.area,
            "setting": self.setting,
            "name": self.name,
            "figure": self.figure,
            "unit": self.unit,
            "at_least": at_least,
            "at_most": at_most,
            "is_met": self.is_met(),
        })
    }
}

/// Three digits that mean something.
fn text(figure: f64) -> String {
    match figure.abs() {
        it if 100.0 <= it => format!("{figure:.0}"),
        it if 10.0 <= it => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// All figures of a run, in the order they were taken.
#[derive(Clone, Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Takes figures, and shows them at once: a run takes minutes.
    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            if self.rows.last().is_none_or(|it| it.area != row.area) {
                println!("\n{}", row.area);
            }
            row.print();
            self.rows.push(row);
        }
    }

    /// Shows how many aims were met.
    pub fn print_sum(&self) {
        let aims: Vec<bool> = self.rows.iter().filter_map(Row::is_met).collect();
        let n_met = aims.iter().filter(|it| **it).count();
        println!("\n{} figures, {n_met} of {} aims met", self.rows.len(), aims.len());
    }

    /// Writes all of it, with what the machine is, as JSON.
    pub fn save(&self, path: &Path) -> Result {
        let n_cores = std::thread::available_parallelism()?.get();
        let time = time::OffsetDateTime::now_utc()
            .format(&time::format_description::well_known::Rfc3339)?;
        let report = json!({
            "time": time,
            "cores": n_cores,
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        });
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
        println!("written to {}", path.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_met_on_its_own_side() {
        let row = |figure| Row::new("area", "setting", "name", figure, "ms");
        assert_eq!(row(2.0).is_met(), None);
        assert_eq!(row(2.0).at_most(2.0).is_met(), Some(true));
        assert_eq!(row(2.1).at_most(2.0).is_met(), Some(false));
        assert_eq!(row(2.0).at_least(2.5).is_met(), Some(false));
        assert_eq!([0.123, 12.34, 1234.4].map(text), ["0.12", "12.3", "1234"]);
    }
}
