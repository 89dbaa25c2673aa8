// An INI file to nested objects, with comments, types and errors.
// args: {"text": "; comment\nname = Quirl\n\n[server]\nport=8080\ndebug = true\n[server.tls]\ncert = \"/a b.pem\"\nlist[] = 1\nlist[] = two\nbroken line\n"}
const value = (t) => (/^".*"$/.test(t) ? t.slice(1, -1) : t === 'true' || t === 'false' ? t === 'true' : t !== '' && !Number.isNaN(Number(t)) ? Number(t) : t);
function main({ text }) {
  const root = {}, errors = [];
  let section = root;
  text.split('\n').forEach((raw, i) => {
    const line = raw.trim();
    if (!line || /^[;#]/.test(line)) return;
    const head = /^\[([^\]]+)\]$/.exec(line);
    if (head) { section = head[1].split('.').reduce((o, k) => (o[k] ??= {}), root); return; }
    const kv = /^([^=]+?)\s*=\s*(.*)$/.exec(line);
    if (!kv) { errors.push(`line ${i + 1}: ${line}`); return; }
    const [, key, v] = kv;
    if (key.endsWith('[]')) (section[key.slice(0, -2)] ??= []).push(value(v)); else section[key] = value(v);
  });
  console.log(root);
  return { root, errors };
}
