// A CSV parser after RFC 4180: quotes, commas and line breaks in fields.
// args: {"text": "name,note,n\r\n\"Smith, J.\",\"said \"\"hi\"\"\",1\r\nplain,\"two\nlines\",2\r\n,,\r\n"}
function parse(text) {
  const rows = [[]];
  let field = '', quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) { if (c === '"' && text[i + 1] === '"') { field += '"'; i++; } else if (c === '"') quoted = false; else field += c; } else if (c === '"' && field === '') quoted = true;
    else if (c === ',') { rows.at(-1).push(field); field = ''; } else if (c === '\n') { rows.at(-1).push(field); field = ''; rows.push([]); } else if (c !== '\r') field += c;
  }
  if (quoted) throw new Error('quote is not closed');
  if (field !== '' || rows.at(-1).length) rows.at(-1).push(field); else rows.pop();
  return rows;
}
const cell = (v) => (/[",\n]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v);
function main({ text }) {
  const rows = parse(text);
  const back = rows.map((r) => r.map(cell).join(',')).join('\r\n') + '\r\n';
  let failure;
  try { parse('a,"b'); } catch (e) { failure = e.message; }
  return { rows, same: back === text, failure };
}
