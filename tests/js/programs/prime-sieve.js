// Primes with a sieve in a typed array, factors and the greatest common divisor.
function sieve(n) {
  const composite = new Uint8Array(n + 1);
  const primes = [];
  for (let i = 2; i <= n; i++) { if (composite[i]) continue; primes.push(i); for (let j = i * i; j <= n; j += i) composite[j] = 1; }
  return primes;
}
const gcd = (a, b) => (b ? gcd(b, a % b) : a);
function factors(n) { const out = {}; for (let p = 2; p * p <= n; p++) while (n % p === 0) { out[p] = (out[p] ?? 0) + 1; n /= p; } if (n > 1) out[n] = 1; return out; }
function main() {
  const p = sieve(100000);
  return { count: p.length, last: p.at(-1), sum: p.reduce((a, b) => a + b, 0), twins: p.filter((x, i) => p[i + 1] - x === 2).length, factors: [360, 97, 1001, 2 ** 20 * 3].map(factors), gcd: gcd(1071, 462), lcm: [4, 6, 10].reduce((a, b) => (a * b) / gcd(a, b)) };
}
