// A hash join of orders and customers, with the left over rows.
const customers = [{ id: 1, name: 'Ada' }, { id: 2, name: 'Bob' }, { id: 3, name: 'Cy' }];
const orders = [{ no: 'A', customer: 1, total: 10.5 }, { no: 'B', customer: 3, total: 7 }, { no: 'C', customer: 1, total: 2.25 }, { no: 'D', customer: 9, total: 1 }];
function main() {
  const byId = new Map(customers.map((c) => [c.id, c]));
  const joined = orders.flatMap(({ customer, ...o }) => (byId.has(customer) ? [{ ...o, name: byId.get(customer).name }] : []));
  const orphans = orders.filter((o) => !byId.has(o.customer)).map((o) => o.no);
  const sums = joined.reduce((acc, { name, total }) => ({ ...acc, [name]: (acc[name] ?? 0) + total }), {});
  const without = customers.filter((c) => !orders.some((o) => o.customer === c.id)).map((c) => c.name);
  console.table(joined);
  return { joined, orphans, sums, without };
}
