// A builder for SQL text with bound values.
class Query {
  #parts = { columns: ['*'], where: [], order: [], values: [] };
  constructor(table) { this.table = table; }
  static from(t) { return new Query(t); }
  #with(change) { const q = new Query(this.table); q.#parts = { ...structuredClone(this.#parts), ...change(structuredClone(this.#parts)) }; return q; }
  select(...columns) { return this.#with(() => ({ columns })); }
  where(o) { return this.#with((p) => ({ where: [...p.where, ...Object.keys(o).map((k) => (Array.isArray(o[k]) ? `${k} IN (${o[k].map(() => '?').join(', ')})` : `${k} = ?`))], values: [...p.values, ...Object.values(o).flat()] })); }
  orderBy(c, dir = 'asc') { return this.#with((p) => ({ order: [...p.order, `${c} ${dir.toUpperCase()}`] })); }
  build() { const { columns, where, order, values } = this.#parts; return { sql: [`SELECT ${columns.join(', ')} FROM ${this.table}`, where.length && `WHERE ${where.join(' AND ')}`, order.length && `ORDER BY ${order.join(', ')}`].filter(Boolean).join(' '), values }; }
}
function main() {
  const base = Query.from('users').select('id', 'name').where({ active: true });
  return { a: base.orderBy('name').build(), b: base.where({ role: ['admin', 'owner'], org: 5 }).orderBy('id', 'desc').orderBy('name').build(), plain: Query.from('t').build() };
}
