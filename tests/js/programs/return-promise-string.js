// What a promise gives has to be a dictionary as well.
async function main() {
  return 'later, but still text';
}
