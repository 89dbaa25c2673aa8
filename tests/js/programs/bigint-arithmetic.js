// BigInt: factorials, powers, conversion, and the refusal to mix.
const factorial = (n) => (n < 2n ? 1n : n * factorial(n - 1n));
const powmod = (b, e, m) => { let r = 1n; for (b %= m; e > 0n; e >>= 1n, b = (b * b) % m) if (e & 1n) r = (r * b) % m; return r; };
function main() {
  let mix, frac, neg;
  try { 1n + 1; } catch (e) { mix = e.name; }
  try { BigInt(1.5); } catch (e) { frac = e.name; }
  try { 2n ** -1n; } catch (e) { neg = e.name; }
  const show = (o) => JSON.parse(JSON.stringify(o, (k, v) => (typeof v === 'bigint' ? `${v}n` : v)));
  console.log(10n ** 20n, [1n, -2n], { big: 0n });
  return show({
    fact: factorial(25n), pow: powmod(3n, 1000n, 1000000007n), div: [7n / 2n, -7n / 2n, -7n % 3n], hex: (2n ** 64n - 1n).toString(16), parse: [BigInt('0xff'), BigInt('  12 '), BigInt(true)], mix, frac, neg,
    wrap: [BigInt.asIntN(8, 255n), BigInt.asUintN(8, -1n)], cmp: [2n > 1, 1n == 1, 1n === 1], shift: [1n << 70n, -5n >> 1n], bits: [0b1100n & 0b1010n, 5n ^ 1n, ~5n], num: Number(2n ** 53n + 1n), loc: (1234567n).toLocaleString(), sort: [3n, 1, 2n].sort().map(String),
  });
}
