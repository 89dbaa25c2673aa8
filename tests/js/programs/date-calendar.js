// A calendar sheet of a month as text.
// args: {"year": 2024, "month": 2}
function main({ year, month }) {
  const first = new Date(Date.UTC(year, month - 1, 1));
  const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const lead = (first.getUTCDay() + 6) % 7;
  const cells = [...Array(lead).fill('  '), ...Array.from({ length: count }, (_, i) => String(i + 1).padStart(2))];
  console.log('Mo Tu We Th Fr Sa Su');
  for (let i = 0; i < cells.length; i += 7) console.log(cells.slice(i, i + 7).join(' '));
  return { count, lead, leap: count === 29 };
}
