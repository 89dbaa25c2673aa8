// Doubles a text until there is no room for it, and again.
function main() {
  for (;;) {
    let text = 'x';
    try {
      for (;;) text = `${text}${text}`.toUpperCase();
    } catch {}
  }
}
