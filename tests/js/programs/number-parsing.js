// Number, parseInt, parseFloat and what they make of odd texts.
function main() {
  const texts = ['42', ' 42\n', '', '0x1F', '0b101', '0o17', '1e3', '1_000', '12px', '.5', '5.', '-', 'Infinity', '-0', '1,5', 'NaN', '0x', '1e1000', '9007199254740993'];
  const show = (n) => (Object.is(n, -0) ? '-0' : String(n));
  return {
    table: texts.map((t) => [t, show(Number(t)), show(parseInt(t)), show(parseFloat(t))]), radix: [parseInt('ff', 16), parseInt('z', 36), parseInt('12', 2), parseInt('0x10', 16), String(parseInt('9', 8))],
    map: ['1', '2', '3'].map(parseInt).map(String), others: [null, undefined, true, [], [7], [1, 2], {}, new Date(5)].map((v) => String(Number(v))), sep: 1_000_000,
  };
}
