// A rejection with an object: functions go, circles are named.
function main() {
  const reason = { status: 503, retry: true, fn() {}, nested: { list: [1, { deep: true }] }, none: null };
  reason.self = reason;
  reason.nested.up = reason;
  return Promise.reject(reason);
}
