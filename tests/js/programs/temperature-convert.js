// Converts a list of readings between scales, with formatting.
// args: {"readings": ["20C", "68F", "300K", "-40C", "abc", "-500F"]}
const toC = { C: (x) => x, F: (x) => ((x - 32) * 5) / 9, K: (x) => x - 273.15 };
function main({ readings }) {
  return { rows: readings.map((r) => {
    const m = /^(-?\d+(?:\.\d+)?)([CFK])$/.exec(r);
    if (!m) return { r, problem: 'not a reading' };
    const c = toC[m[2]](Number(m[1]));
    if (c < -273.15) return { r, problem: 'below absolute zero' };
    return { r, C: c.toFixed(1), F: (c * 1.8 + 32).toFixed(1), K: (c + 273.15).toFixed(2) };
  }) };
}
