// A scheduler of tasks by priority and time, simulated.
function main() {
  const tasks = [{ n: 'a', at: 0, p: 2, len: 3 }, { n: 'b', at: 1, p: 5, len: 2 }, { n: 'c', at: 1, p: 1, len: 4 }, { n: 'd', at: 6, p: 9, len: 1 }];
  const left = new Map(tasks.map((t) => [t, t.len])), chart = [], done = {};
  for (let now = 0; left.size; now++) {
    const [t] = [...left.keys()].filter((x) => x.at <= now).sort((x, y) => y.p - x.p || x.at - y.at);
    chart.push(t?.n ?? '-');
    if (!t) continue;
    left.set(t, left.get(t) - 1);
    if (left.get(t) === 0) { left.delete(t); done[t.n] = now + 1; }
  }
  for (const t of tasks) console.log(t.n, chart.map((c) => (c === t.n ? '█' : '·')).join(''));
  return { chart: chart.join(''), done };
}
