//! Plain tables for terminals: aligned columns, nothing else.

/// Rows under a head; the first column and columns named in `left` are aligned to the left.
#[derive(Clone, Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    left: Vec<usize>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        let head = head.into_iter().map(str::to_owned).collect();
        Self { head, rows: Vec::new(), left: vec![0] }
    }

    /// Aligns a column to the left as well.
    #[must_use]
    pub fn left(mut self, column: usize) -> Self {
        self.left.push(column);
        self
    }

    /// One row more.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let columns = all().map(Vec::len).max().unwrap_or(0);
        let wide = |column: usize| {
            let cells = all().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(wide).collect();
        for row in all() {
            let mut line = String::from("  ");
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                if self.left.contains(&column) {
                    line.extend([cell, padding.as_str(), "  "]);
                } else {
                    line.extend([padding.as_str(), cell, "  "]);
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["month", "days", "what"]).left(2);
        table.row(["2012-01", "31", "°C"].map(str::to_owned));
        table.row(["x", "7", "long"].map(str::to_owned));
        let text = "  month    days  what\n  2012-01    31  °C\n  x           7  long\n";
        assert_eq!(table.to_string(), text);
    }
}
