// JSON.parse with revivers: dates, removal, order of calls.
function main() {
  const order = [];
  const text = '{"at":"2024-01-02T03:04:05.000Z","list":[1,{"drop":true},3],"nested":{"secret":"x","keep":null}}';
  const value = JSON.parse(text, function (k, v) {
    order.push(k === '' ? '<root>' : k);
    if (k === 'secret' || k === 'drop') return undefined;
    return typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v) ? new Date(v) : v;
  });
  console.log(value);
  return { value, order, isDate: value.at instanceof Date, dup: JSON.parse('{"a":1,"a":2}'), proto: Object.keys(JSON.parse('{"__proto__":1}')), nums: JSON.parse('[1E3,-0.0,1e400,123456789012345678901234567890]').map(String) };
}
