// Takes all memory there is, lets go, and again.
function main() {
  for (;;) {
    const held = [];
    try {
      for (;;) held.push(new Uint8Array(1 << 20).fill(7));
    } catch {}
  }
}
