// An ES module that waits while it is loaded.
import { setTimeout as delay } from 'node:timers/promises';
const table = await Promise.resolve(new Map([['a', 1], ['b', 2]]));
await delay(1);
export async function main({ key = 'b' }) {
  return { value: table.get(key) };
}
