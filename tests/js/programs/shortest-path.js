// Dijkstra with a binary heap, and the way itself.
const graph = { A: { B: 7, C: 9, F: 14 }, B: { A: 7, C: 10, D: 15 }, C: { A: 9, B: 10, D: 11, F: 2 }, D: { B: 15, C: 11, E: 6 }, E: { D: 6, F: 9 }, F: { A: 14, C: 2, E: 9 }, Z: {} };
class Heap {
  #a = [];
  get size() { return this.#a.length; }
  push(v) { const a = this.#a; let i = a.push(v) - 1; while (i > 0 && a[(i - 1) >> 1][0] > a[i][0]) { const p = (i - 1) >> 1; [a[p], a[i]] = [a[i], a[p]]; i = p; } }
  pop() { const a = this.#a, top = a[0], last = a.pop(); if (a.length) { a[0] = last; for (let i = 0; ;) { let m = i; for (const c of [2 * i + 1, 2 * i + 2]) if (c < a.length && a[c][0] < a[m][0]) m = c; if (m === i) break; [a[m], a[i]] = [a[i], a[m]]; i = m; } } return top; }
}
function dijkstra(g, from) {
  const dist = { [from]: 0 }, prev = {}, heap = new Heap();
  heap.push([0, from]);
  while (heap.size) { const [d, u] = heap.pop(); if (d > dist[u]) continue; for (const [v, w] of Object.entries(g[u])) if (d + w < (dist[v] ?? Infinity)) { dist[v] = d + w; prev[v] = u; heap.push([d + w, v]); } }
  const way = (to) => (to === from ? [from] : prev[to] ? [...way(prev[to]), to] : null);
  return { dist, way };
}
function main() {
  const { dist, way } = dijkstra(graph, 'A');
  return { dist, toE: way('E').join('>'), toZ: way('Z') };
}
