// Updates of nested data that share what did not change.
const setIn = (o, [k, ...rest], f) => { const v = rest.length ? setIn(o?.[k] ?? {}, rest, f) : f(o?.[k]); return Array.isArray(o) ? o.with(k, v) : { ...o, [k]: v }; };
const deepFreeze = (o) => { Object.values(o).forEach((v) => typeof v === 'object' && v && deepFreeze(v)); return Object.freeze(o); };
function main() {
  const before = deepFreeze({ users: [{ name: 'A', tags: ['x'] }, { name: 'B', tags: [] }], meta: { n: 1 } });
  const after = setIn(before, ['users', 1, 'tags'], (t) => [...t, 'new']);
  const made = setIn(before, ['settings', 'theme', 'dark'], () => true);
  return { after, made: made.settings, shared: [after.meta === before.meta, after.users[0] === before.users[0], after.users === before.users], frozen: Object.isFrozen(before.users[0].tags), old: before.users[1] };
}
