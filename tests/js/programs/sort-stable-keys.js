// Sorting by several keys; equal elements keep their order.
function main() {
  const rows = [
    { city: 'Oslo', temp: 3, id: 1 }, { city: 'Bern', temp: 3, id: 2 }, { city: 'Rome', temp: 14, id: 3 },
    { city: 'Bern', temp: -2, id: 4 }, { city: 'Oslo', temp: 3, id: 5 },
  ];
  const by = (...keys) => (a, b) => {
    for (const k of keys) {
      const [name, dir] = k.startsWith('-') ? [k.slice(1), -1] : [k, 1];
      if (a[name] < b[name]) return -dir;
      if (a[name] > b[name]) return dir;
    }
    return 0;
  };
  return {
    temp: [...rows].sort(by('-temp')).map((r) => r.id),
    city: [...rows].sort(by('city', 'temp')).map((r) => r.id),
    default: [10, 9, 1, undefined, 'b', 'a', null, true].sort().map(String),
    holes: Object.keys([3, , 1].sort()),
  };
}
