// Symbols: description, registry, toPrimitive, well-known ones.
function main() {
  const s = Symbol('desc');
  const money = { [Symbol.toPrimitive](hint) { return hint === 'number' ? 42 : hint === 'string' ? 'forty-two' : 'default'; } };
  const concat = { length: 2, 0: 'x', 1: 'y', [Symbol.isConcatSpreadable]: true };
  let bad;
  try { `${s}`; } catch (e) { bad = e.name; }
  console.log(s, { [s]: 1 }, [Symbol.iterator]);
  return {
    desc: s.description, str: String(s), same: Symbol.for('k') === Symbol.for('k'), key: Symbol.keyFor(Symbol.for('k')), none: Symbol.keyFor(s) === undefined,
    prim: [+money, `${money}`, money + ''], concat: [1].concat(concat), bad, hidden: Object.getOwnPropertySymbols({ [s]: 1 }).length, tag: Object.prototype.toString.call({ [Symbol.toStringTag]: 'X' }),
  };
}
