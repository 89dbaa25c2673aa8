// "3 hours ago" for given instants.
function ago(then, now) {
  const units = [['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const s = Math.round((now - then) / 1000);
  for (const [name, size] of units) {
    const n = Math.floor(Math.abs(s) / size);
    if (n >= 1) return s > 0 ? `${n} ${name}${n > 1 ? 's' : ''} ago` : `in ${n} ${name}${n > 1 ? 's' : ''}`;
  }
  return 'just now';
}
function main() {
  const now = Date.UTC(2024, 5, 15, 12);
  return ['2024-06-15T11:59:59.800Z', '2024-06-15T11:58:00Z', '2024-06-15T07:00:00Z', '2024-06-13T12:00:00Z', '2024-05-01T00:00:00Z', '2020-01-01T00:00:00Z', '2024-06-15T13:30:00Z']
    .map((t) => ago(Date.parse(t), now));
}
