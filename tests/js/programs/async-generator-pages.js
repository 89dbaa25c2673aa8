// An async generator that walks through pages.
async function fetchPage(n) {
  await new Promise((r) => setTimeout(r, 1));
  return { items: [n * 10, n * 10 + 1, n * 10 + 2], next: n < 3 ? n + 1 : null };
}
async function* all() {
  let page = 1;
  try {
    while (page !== null) { const { items, next } = await fetchPage(page); yield* items; page = next; }
  } finally { console.log('closed at page', page); }
}
async function main() {
  const every = [];
  for await (const i of all()) every.push(i);
  const some = [];
  for await (const i of all()) { if (i > 20) break; some.push(i); }
  return { every, some };
}
