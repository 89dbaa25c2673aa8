// Limits, rounding and comparison of floating point numbers.
function main() {
  const show = (n) => (Object.is(n, -0) ? '-0' : String(n));
  return {
    safe: [Number.MAX_SAFE_INTEGER, Number.isSafeInteger(2 ** 53), 2 ** 53 + 1 === 2 ** 53], eps: Math.abs(0.3 - (0.1 + 0.2)) < Number.EPSILON, round: [0.5, -0.5, 1.5, 2.5, -2.5, 0.49999999999999994].map((x) => show(Math.round(x))),
    trunc: [Math.trunc(-0.9), Math.ceil(-0.5), Math.floor(-0.5)].map(show), mod: [5 % -3, -5 % 3, 5.5 % 2, -4 % 2].map(show), bits: [~~-5.7, 2 ** 31 | 0, 1 << 31, -1 >>> 0, -1 >>> 28, 5 & 3, 5 ^ 3, ~5], is: [Object.is(NaN, NaN), NaN === NaN, Object.is(0, -0)],
    math: [Math.hypot(3, 4), Math.cbrt(27), Math.sign(-3), Math.clz32(1), Math.imul(0xffffffff, 5), Math.fround(5.5), Math.log2(8), Math.max(), Math.min()].map(show), div: [1 / 0, -1 / 0, 0 / 0].map(show),
  };
}
