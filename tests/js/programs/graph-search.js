// Breadth and depth first search through a maze and a graph.
const maze = ['#########', '#S..#...#', '#.#.#.#.#', '#.#...#E#', '#########'];
function bfs() {
  const find = (c) => maze.flatMap((r, y) => [...r].flatMap((x, i) => (x === c ? [[i, y]] : [])))[0];
  const [start, end] = [find('S'), find('E')];
  const seen = new Map([[String(start), null]]);
  for (const queue = [start]; queue.length;) {
    const [x, y] = queue.shift();
    if (x === end[0] && y === end[1]) { const way = []; for (let k = String(end); k; k = seen.get(k)) way.unshift(k); return way; }
    for (const [dx, dy] of [[0, 1], [1, 0], [0, -1], [-1, 0]]) { const n = [x + dx, y + dy]; if (maze[n[1]][n[0]] !== '#' && !seen.has(String(n))) { seen.set(String(n), `${x},${y}`); queue.push(n); } }
  }
  return null;
}
function main() {
  const way = bfs();
  const marked = maze.map((r, y) => [...r].map((c, x) => (c === '.' && way.includes(`${x},${y}`) ? '*' : c)).join(''));
  marked.forEach((l) => console.log(l));
  return { steps: way.length - 1, first: way[0] };
}
