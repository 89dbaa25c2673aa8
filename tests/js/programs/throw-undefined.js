// undefined can be thrown.
function main() {
  throw undefined;
}
