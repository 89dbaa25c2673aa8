// Week numbers after ISO 8601, around the turn of years.
function isoWeek(text) {
  const d = new Date(`${text}T00:00:00Z`);
  const day = d.getUTCDay() || 7;
  d.setUTCDate(d.getUTCDate() + 4 - day);
  const start = Date.UTC(d.getUTCFullYear(), 0, 1);
  const week = Math.ceil(((d - start) / 86400000 + 1) / 7);
  return `${d.getUTCFullYear()}-W${String(week).padStart(2, '0')}-${day}`;
}
function main() {
  const dates = ['2020-12-31', '2021-01-03', '2021-01-04', '2024-12-30', '2026-01-01', '2008-12-29', '2010-01-03'];
  return Object.fromEntries(dates.map((d) => [d, isoWeek(d)]));
}
