// A small template language: values, escapes, sections, filters.
// args: {"user": {"name": "<Ada>", "langs": ["js", "rust"]}, "n": 1234.5, "none": []}
const filters = { upper: (s) => s.toUpperCase(), fixed: (n) => n.toFixed(2), json: JSON.stringify };
const look = (path, ctx) => (path === '.' ? ctx['.'] : path.split('.').reduce((o, k) => o?.[k], ctx));
const esc = (s) => String(s ?? '').replace(/[<>&]/g, (c) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[c]);
function render(t, ctx) {
  return t
    .replace(/{{#([\w.]+)}}([\s\S]*?){{\/\1}}/g, (_, p, body) => { const v = look(p, ctx); return Array.isArray(v) ? v.map((x) => render(body, { ...ctx, '.': x })).join('') : v ? render(body, ctx) : ''; })
    .replace(/{{\^([\w.]+)}}([\s\S]*?){{\/\1}}/g, (_, p, body) => (look(p, ctx)?.length ? '' : body))
    .replace(/{{(&?)\s*([\w.]+)\s*(?:\|\s*(\w+)\s*)?}}/g, (_, raw, p, f) => { let v = look(p, ctx); if (f) v = filters[f](v); return raw ? v : esc(v); });
}
function main(args) {
  return { text: render('Hi {{user.name}} ({{&user.name}}), {{n|fixed}}: {{#user.langs}}[{{.|upper}}]{{/user.langs}}{{^none}} nothing{{/none}} {{missing.deep}} {{user.langs|json}}', args) };
}
