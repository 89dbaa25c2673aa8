// A return at the top level skips what decides the entry.
exports.main = () => ({ from: 'never' });
if (typeof exports.main === 'function') return () => ({ from: 'returned' });
