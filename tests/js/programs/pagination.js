// Pages of a list with links, and wrong page numbers.
function paginate(items, { page = 1, size = 4 } = {}) {
  const pages = Math.max(1, Math.ceil(items.length / size));
  if (!Number.isInteger(page) || page < 1 || page > pages) throw new RangeError(`page must be from 1 to ${pages}, not ${page}`);
  const link = (p) => (p >= 1 && p <= pages ? `?page=${p}&size=${size}` : null);
  return { items: items.slice((page - 1) * size, page * size), page, pages, prev: link(page - 1), next: link(page + 1) };
}
function main() {
  const items = Array.from({ length: 10 }, (_, i) => `item-${i + 1}`);
  return [{}, { page: 3 }, { page: 2, size: 7 }, { page: 4 }, { page: 1.5 }].map((o) => { try { return paginate(items, o); } catch (e) { return String(e); } });
}
