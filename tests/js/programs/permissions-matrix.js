// Roles, inheritance of roles and wildcards in permissions.
const roles = { viewer: { can: ['doc:read'] }, editor: { is: ['viewer'], can: ['doc:write', 'comment:*'] }, admin: { is: ['editor'], can: ['*:*'] }, loop: { is: ['loop'], can: [] } };
function* grants(role, seen = new Set()) { if (seen.has(role)) return; seen.add(role); const r = roles[role]; if (!r) throw new Error(`no role ${role}`); yield* r.can; for (const p of r.is ?? []) yield* grants(p, seen); }
const matches = (grant, wanted) => { const [g, w] = [grant, wanted].map((x) => x.split(':')); return g.every((p, i) => p === '*' || p === w[i]); };
const can = (role, what) => [...grants(role)].some((g) => matches(g, what));
function main() {
  const wanted = ['doc:read', 'doc:write', 'comment:delete', 'user:ban'];
  const table = Object.fromEntries(Object.keys(roles).map((r) => [r, wanted.map((w) => (can(r, w) ? 'y' : 'n')).join('')]));
  console.table(table);
  let missing;
  try { can('ghost', 'x:y'); } catch (e) { missing = e.message; }
  return { table, missing };
}
