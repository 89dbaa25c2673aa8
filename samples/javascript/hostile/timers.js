// More timers with each that fires.
function main() {
  const again = () => {
    setTimeout(again, 0);
    if (Math.random() < 0.01) setTimeout(again, 1);
  };
  again();
  return new Promise(() => {});
}
