// Reads an event of a code host and answers only to those that matter.
// args: {"event": "push", "payload": {"ref": "refs/heads/main", "commits": [{"id": "abcdef1234567", "message": "fix: a bug\n\nlong text", "added": [], "modified": ["src/a.js", "README.md"]}, {"id": "1234567abcdef", "message": "docs: words", "added": ["docs/x.md"], "modified": []}]}}
const handlers = {
  push({ ref, commits = [] }) {
    const branch = ref.replace(/^refs\/heads\//, '');
    const touched = new Set(commits.flatMap((c) => [...c.added, ...c.modified]));
    const byKind = commits.reduce((m, { message }) => { const [, kind = 'other'] = /^(\w+)(?:\(.+\))?:/.exec(message) ?? []; return { ...m, [kind]: (m[kind] ?? 0) + 1 }; }, {});
    return { branch, build: [...touched].some((f) => f.startsWith('src/')), byKind, titles: commits.map((c) => `${c.id.slice(0, 7)} ${c.message.split('\n', 1)[0]}`) };
  },
  ping: () => ({ pong: true }),
};
function main({ event, payload }) {
  const handler = handlers[event];
  if (!handler) return { error: `cannot handle ${event}` };
  return handler(payload);
}
