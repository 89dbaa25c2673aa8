// Dates at the ends of what Date can hold.
function main() {
  const out = [];
  for (const ms of [0, -1, 8.64e15, -8.64e15, 8.64e15 + 1, -62198755200000, 253402300800000]) {
    const d = new Date(ms);
    out.push([ms, Number.isNaN(+d) ? String(d) : d.toISOString()]);
  }
  console.log(new Date(NaN), [new Date(8.64e15)]);
  return { out, year99: new Date(Date.UTC(99, 0)).toISOString(), yearSet: new Date(new Date(0).setUTCFullYear(-1)).toISOString() };
}
