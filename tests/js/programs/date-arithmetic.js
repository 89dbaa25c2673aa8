// Adding days and months over the ends of months, and differences in days.
const DAY = 86_400_000;
const addMonths = (d, n) => {
  const day = d.getUTCDate();
  const r = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + n, 1));
  const last = new Date(Date.UTC(r.getUTCFullYear(), r.getUTCMonth() + 1, 0)).getUTCDate();
  r.setUTCDate(Math.min(day, last));
  return r;
};
function main() {
  const jan = new Date('2023-01-31T00:00:00Z');
  const days = (a, b) => Math.round((new Date(b) - new Date(a)) / DAY);
  const overflow = new Date(Date.UTC(2023, 0, 31));
  overflow.setUTCMonth(1);
  return {
    months: [1, 2, 13, -2].map((n) => addMonths(jan, n).toISOString().slice(0, 10)),
    overflow: overflow.toISOString().slice(0, 10),
    between: [days('2024-02-28', '2024-03-01'), days('2023-02-28', '2023-03-01'), days('2024-01-01', '2023-12-25')],
    later: new Date(+jan + 36 * 3_600_000).toISOString(),
  };
}
