// setInterval with arguments, stopped from within.
function main() {
  const log = [];
  return new Promise((done) => {
    let n = 0;
    const id = setInterval((a, b) => {
      log.push(`${a}${b}${++n}`);
      if (n === 4) { clearInterval(id); setTimeout(() => done({ log, type: typeof id }), 10); }
    }, 2, 'x', '-');
  });
}
