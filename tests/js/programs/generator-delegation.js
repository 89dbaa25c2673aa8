// yield* passes values through and gives the inner return value.
function* inner() { const x = yield 'a'; return `got ${x}`; }
function* outer() { const r = yield* inner(); yield r; yield* 'hi'; return 'end'; }
function* tree(node) { if (!node) return; yield* tree(node.l); yield node.v; yield* tree(node.r); }
function main() {
  const g = outer();
  const all = [g.next(), g.next(7), ...g];
  const t = { v: 4, l: { v: 2, l: { v: 1 }, r: { v: 3 } }, r: { v: 6 } };
  return { all, order: [...tree(t)] };
}
