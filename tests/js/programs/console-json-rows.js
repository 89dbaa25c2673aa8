// Rows as people print them while they debug.
function main() {
  const rows = [
    { id: 1, city: 'Bergen', readings: [{ t: 3.2, at: '2024-01-01T00:00:00Z' }, { t: 2.9, at: '2024-01-01T01:00:00Z' }], ok: true },
    { id: 2, city: 'Tromsø', readings: [], ok: false },
  ];
  console.log(rows);
  console.log('rows:', rows.length, rows[0].readings);
  console.log(JSON.stringify(rows[1]));
  console.log(`first: ${rows[0].city}`, rows[0].readings.map((r) => r.t));
  console.log(Object.entries(rows[1]));
  console.log({ headers: { 'content-type': 'application/json', accept: '*/*' }, status: 200, body: null });
}
