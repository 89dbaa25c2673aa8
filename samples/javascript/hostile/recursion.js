// As deep as it goes, and again.
function main() {
  const deeper = (n) => deeper(n + 1) + 1;
  for (;;) {
    try {
      deeper(0);
    } catch {}
  }
}
