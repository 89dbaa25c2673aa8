// A plain object can be thrown; its text is the one of every object.
function main() {
  throw { code: 7, list: [1, 2] };
}
