// CSV, as RFC 4180 has it: {"rows":n,"times":k} parses a text of so many rows so often:
// {"ms": the median time of one, "rows", "sum"}.
function main({ rows, times }) {
  const text = make(rows);
  const took = [];
  let table;
  for (let at = 0; at < times; at++) {
    const begun = performance.now();
    table = parse(text);
    took.push(performance.now() - begun);
  }
  took.sort((a, b) => a - b);
  const sum = table.reduce((sum, row) => sum + Number(row.precipitation), 0);
  return { ms: took[times >> 1], rows: table.length, sum: Math.round(sum), bytes: text.length };
}

/** Rows of text, an object each by the names in the first. */
function parse(text) {
  const [names, ...rows] = lines(text);
  return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]])));
}

function lines(text) {
  const rows = [];
  let row = [];
  let field = '';
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (isQuoted) {
      if (letter !== '"') field += letter;
      else if (text[at + 1] === '"') field += text[++at];
      else isQuoted = false;
    } else if (letter === '"') {
      isQuoted = true;
    } else if (letter === ',') {
      row.push(field);
      field = '';
    } else if (letter === '\n') {
      row.push(field);
      rows.push(row);
      row = [];
      field = '';
    } else if (letter !== '\r') {
      field += letter;
    }
  }
  return rows;
}

function make(rows) {
  let text = 'date,station,precipitation,temp_max,temp_min,wind,weather\n';
  for (let at = 0; at < rows; at++) {
    const day = `2012/${1 + (at % 12)}/${1 + (at % 28)}`;
    const weather = at % 5 ? 'rain' : '"drizzle, ""fine"""';
    text += `${day},S${at % 31},${(at % 40) / 10},${at % 35},${at % 20},${(at % 90) / 10},${weather}\n`;
  }
  return text;
}
