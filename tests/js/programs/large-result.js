// A result of some hundred kilobytes.
// args: {"n": 2000}
function main({ n }) {
  return { rows: Array.from({ length: n }, (_, i) => ({ id: i, name: `row ${i}`, tags: ['a', 'b', String(i % 7)], nested: { even: i % 2 === 0, half: i / 2 } })) };
}
