// A subset of YAML by indentation: maps, lists and scalars.
// args: {"text": "name: demo\nreplicas: 3\nenabled: yes\nlabels:\n  app: web\n  tier: \"front end\"\nports:\n  - 80\n  - 443\nsteps:\n  - run: build\n    with: cache\n  - run: test\nempty: ~\n"}
const scalar = (t) => ({ yes: true, no: false, true: true, false: false, '~': null, null: null })[t] ?? (t === '~' ? null : /^-?\d+(\.\d+)?$/.test(t) ? +t : t.replace(/^(["'])(.*)\1$/, '$2'));
function parse(text) {
  const lines = text.split('\n').filter((l) => l.trim() && !l.trim().startsWith('#')).map((l) => ({ depth: l.search(/\S/), text: l.trim() }));
  let at = 0;
  function block(depth) {
    const list = lines[at].text.startsWith('- ');
    const out = list ? [] : {};
    while (at < lines.length && lines[at].depth === depth && lines[at].text.startsWith('- ') === list) {
      if (list) {
        const rest = lines[at].text.slice(2);
        if (/^\w+:/.test(rest)) { lines[at] = { depth: depth + 2, text: rest }; out.push(block(depth + 2)); } else { out.push(scalar(rest)); at++; }
        continue;
      }
      const [, key, v] = /^([^:]+):\s*(.*)$/.exec(lines[at++].text);
      out[key] = v !== '' ? scalar(v) : at < lines.length && lines[at].depth > depth ? block(lines[at].depth) : null;
    }
    return out;
  }
  return block(0);
}
function main({ text }) {
  const doc = parse(text);
  console.log(doc);
  return doc;
}
