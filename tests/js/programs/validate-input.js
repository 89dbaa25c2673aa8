// Checks parameters by a schema and tells all that is wrong.
// args: {"name": "A", "age": "ten", "email": "nobody", "tags": ["ok", 5], "extra": true}
const rules = {
  name: [(v) => typeof v === 'string' && v.length >= 2, 'must be text of at least 2 characters'],
  age: [(v) => Number.isInteger(v) && v >= 0 && v < 150, 'must be a whole number from 0 to 149'],
  email: [(v) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(v), 'must be an address'],
  tags: [(v) => Array.isArray(v) && v.every((t) => typeof t === 'string'), 'must be a list of texts'],
  city: [(v) => v !== undefined, 'is missing'],
};
function main(args) {
  const problems = Object.entries(rules).filter(([k, [ok]]) => !ok(args[k])).map(([field, [, message]]) => ({ field, message, got: args[field] === undefined ? 'nothing' : typeof args[field] }));
  const unknown = Object.keys(args).filter((k) => !(k in rules));
  if (problems.length) return { error: { statusCode: 400, problems, unknown } };
  return { ok: true };
}
