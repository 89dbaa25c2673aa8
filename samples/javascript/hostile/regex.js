// A regular expression whose time doubles with each letter.
function main() {
  return { found: /^(a|a)*$/.test(`${'a'.repeat(64)}b`) };
}
