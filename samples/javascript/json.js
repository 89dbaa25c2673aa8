// One megabyte of JSON, more or less:
//   {"bytes":n}             makes a document of so many
//   {"bytes":n,"times":k}   parses and writes it so often: {"ms": the median time of one}
//   {"document":…}          returns what it got
function main({ bytes, times, document }) {
  if (!bytes) return { document };
  const made = { document: make(bytes) };
  if (!times) return made;
  const text = JSON.stringify(made);
  const took = [];
  for (let at = 0; at < times; at++) {
    const begun = performance.now();
    const written = JSON.stringify(JSON.parse(text));
    took.push(performance.now() - begun);
    if (written !== text) throw new Error('something was lost');
  }
  took.sort((a, b) => a - b);
  return { ms: took[times >> 1], bytes: text.length };
}

/** Records of which each takes about 200 bytes. */
function make(bytes) {
  const records = [];
  for (let id = 0, length = 0; length < bytes; id++) {
    const record = {
      id,
      name: `Sensor ${id % 97} in "hall ${id % 7}"`,
      at: `2026-03-${10 + (id % 20)}T08:${10 + (id % 50)}:00.000Z`,
      value: (id * 37) % 1000 / 8,
      isGood: id % 3 !== 0,
      tags: ['temperature', `floor-${id % 5}`, 'größer'],
      place: { x: id % 512, y: (id * 7) % 512, note: null },
    };
    length += JSON.stringify(record).length + 2;
    records.push(record);
  }
  return records;
}
