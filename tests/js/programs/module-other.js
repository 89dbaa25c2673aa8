// main: handler
// The directive names an export of an ES module.
export const handler = async () => ({ from: 'handler', strict: (function () { return this === undefined; })() });
export function main() {
  return { wrong: true };
}
