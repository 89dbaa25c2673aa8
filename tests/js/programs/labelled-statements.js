// Labels on loops and blocks, with break, continue and switch.
function main() {
  const found = [];
  outer: for (let i = 2; i < 30; i++) {
    for (let j = 2; j * j <= i; j++) if (i % j === 0) continue outer;
    found.push(i);
    if (found.length === 8) break outer;
  }
  let text = '';
  block: { text += 'in'; if (found.length) break block; text += 'never'; }
  const kind = (x) => { switch (true) { case x < 0: return 'neg'; case x === 0: case x === 1: return 'small'; default: return 'big'; } };
  let n = 0;
  do { if (n === 2) continue; } while (++n < 4);
  const comma = (1, 2, 3);
  return { found, text, kinds: [-1, 0, 1, 2].map(kind), n, comma };
}
