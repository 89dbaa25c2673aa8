// Feature flags: stable shares of users by a hash, and overrides.
const { createHash } = require('crypto');
const bucket = (flag, user) => createHash('sha1').update(`${flag}:${user}`).digest().readUInt32BE(0) % 100;
const flags = { dark: { share: 30 }, beta: { share: 0, users: ['u7'] }, all: { share: 100, except: ['u3'] } };
const on = (flag, user) => { const f = flags[flag]; return !f?.except?.includes(user) && (f?.users?.includes(user) || bucket(flag, user) < (f?.share ?? 0)); };
function main() {
  const users = Array.from({ length: 10 }, (_, i) => `u${i}`);
  return { ...Object.fromEntries(Object.keys(flags).map((f) => [f, users.filter((u) => on(f, u))])), share: Array.from({ length: 1000 }, (_, i) => on('dark', `x${i}`)).filter(Boolean).length, unknown: on('none', 'u1') };
}
