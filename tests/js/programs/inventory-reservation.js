// Reserves stock for orders, all or nothing, and tells what lacks.
const stock = new Map([['apple', 10], ['pear', 2], ['fig', 0]]);
class OutOfStock extends Error { constructor(lacking) { super(`not enough: ${lacking.map(([k, n]) => `${k} (${n} missing)`).join(', ')}`); this.name = 'OutOfStock'; this.lacking = Object.fromEntries(lacking); } }
function reserve(order) {
  const lacking = Object.entries(order).map(([k, n]) => [k, n - (stock.get(k) ?? 0)]).filter(([, n]) => n > 0);
  if (lacking.length) throw new OutOfStock(lacking);
  for (const [k, n] of Object.entries(order)) stock.set(k, stock.get(k) - n);
}
async function main() {
  const results = [];
  for (const o of [{ apple: 4, pear: 1 }, { pear: 2, fig: 1 }, { apple: 6, pear: 1 }, { kiwi: 1 }]) {
    try { reserve(o); results.push('ok'); } catch (e) { if (!(e instanceof OutOfStock)) throw e; results.push({ message: e.message, lacking: e.lacking }); }
  }
  return { results, stock: Object.fromEntries(stock) };
}
