// Builds the body of a chat message from an alert, with clipping.
// args: {"alerts": [{"name": "disk", "level": 3, "host": "db-1", "at": 1709200000}, {"name": "cpu", "level": 1, "host": "web-2", "at": 1709203600, "note": "above 90 % for a very long while, please look at it soon"}]}
const icons = [':ok:', ':warning:', ':fire:', ':rotating_light:'];
const clip = (s, n) => (s.length > n ? `${s.slice(0, n - 1)}…` : s);
function main({ alerts }) {
  const blocks = alerts.toSorted((a, b) => b.level - a.level).map(({ name, level, host, at, note = 'no note' }) => ({ type: 'section', text: `${icons[level] ?? '?'} *${name}* on \`${host}\` at ${new Date(at * 1000).toISOString().replace('T', ' ').slice(0, 16)} — ${clip(note, 30)}` }));
  const worst = Math.max(...alerts.map((a) => a.level));
  console.info(`${alerts.length} alert${alerts.length === 1 ? '' : 's'}, worst is ${worst}`);
  return { text: `${alerts.length} alerts`, blocks, color: ['good', 'warning'][worst] ?? 'danger' };
}
