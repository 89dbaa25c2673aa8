// try, catch and finally: who wins, and in which order.
function main() {
  const log = [];
  const f = (mode) => {
    try { log.push(`try ${mode}`); if (mode === 'throw') throw new Error(mode); if (mode === 'return') return 'from try'; } catch ({ message }) { log.push(`catch ${message}`); return 'from catch'; } finally { log.push('finally'); if (mode === 'override') return 'from finally'; }
    return 'end';
  };
  const results = ['plain', 'throw', 'return', 'override'].map(f);
  const loop = () => { for (const i of [1, 2, 3]) { try { if (i === 2) continue; if (i === 3) break; log.push(i); } finally { log.push(`f${i}`); } } };
  loop();
  const replaced = (() => { try { try { throw 1; } finally { throw 2; } } catch (e) { return e; } })();
  return { results, log, replaced };
}
