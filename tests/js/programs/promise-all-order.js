// Promise.all keeps the order of its inputs, whatever is ready first.
const later = (v, ms) => new Promise((r) => setTimeout(() => { console.log('ready', v); r(v); }, ms));
async function main() {
  const all = await Promise.all([later('slow', 60), later('fast', 1), 'plain', later('middle', 30)]);
  const none = await Promise.all([]);
  return { all, none };
}
