// Bits: counting, swapping, Gray code, flags and masks.
const popcount = (n) => { let c = 0; for (; n; n &= n - 1) c++; return c; };
const reverse32 = (n) => { let r = 0; for (let i = 0; i < 32; i++) r = (r << 1) | ((n >>> i) & 1); return r >>> 0; };
const Flags = Object.freeze({ READ: 1 << 0, WRITE: 1 << 1, EXEC: 1 << 2 });
const names = (f) => Object.keys(Flags).filter((k) => f & Flags[k]);
function main() {
  const ip = (t) => t.split('.').reduce((n, p) => ((n << 8) | p) >>> 0, 0);
  const text = (n) => [24, 16, 8, 0].map((s) => (n >>> s) & 255).join('.');
  const mask = (-1 << (32 - 20)) >>> 0;
  return { pop: [0, 1, 255, -1, 0x5555].map(popcount), rev: reverse32(1).toString(16), gray: Array.from({ length: 8 }, (_, i) => (i ^ (i >> 1)).toString(2).padStart(3, '0')), pow2: [1, 6, 64, 0].map((n) => n > 0 && (n & (n - 1)) === 0), flags: names(Flags.READ | Flags.EXEC), net: text(ip('192.168.37.5') & mask), bcast: text((ip('192.168.37.5') | ~mask) >>> 0), rot: ((0x12345678 << 8) | (0x12345678 >>> 24)).toString(16), lead: [1, 256, -1].map(Math.clz32) };
}
