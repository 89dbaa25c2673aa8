// CSV to typed JSON with a schema and useful messages.
// args: {"csv": "id;name;price;active;since\n1;Chair;49,90;yes;2023-05-01\n2;Table;x;no;2023-13-01\n"}
const schema = {
  id: (t) => (/^\d+$/.test(t) ? Number(t) : undefined),
  name: (t) => t.trim() || undefined,
  price: (t) => (/^\d+(,\d+)?$/.test(t) ? Number(t.replace(',', '.')) : undefined),
  active: (t) => ({ yes: true, no: false })[t],
  since: (t) => (Number.isNaN(Date.parse(t)) ? undefined : new Date(t)),
};
function main({ csv }) {
  const [head, ...body] = csv.trimEnd().split('\n').map((l) => l.split(';'));
  const errors = [];
  const rows = body.map((cells, i) => Object.fromEntries(head.map((h, j) => {
    const v = schema[h](cells[j]);
    if (v === undefined) errors.push(`row ${i + 1}, column ${h}: cannot read ${JSON.stringify(cells[j])}`);
    return [h, v];
  })));
  return { rows, errors };
}
