// An async queue that producers fill and for await drains.
class Queue {
  #items = []; #waiting = []; #closed = false;
  push(v) { const w = this.#waiting.shift(); w ? w({ value: v, done: false }) : this.#items.push(v); }
  close() { this.#closed = true; for (const w of this.#waiting) w({ done: true }); }
  next() {
    if (this.#items.length) return Promise.resolve({ value: this.#items.shift(), done: false });
    return this.#closed ? Promise.resolve({ done: true }) : new Promise((r) => this.#waiting.push(r));
  }
  [Symbol.asyncIterator]() { return this; }
}
async function main() {
  const q = new Queue();
  q.push(1);
  setTimeout(() => { q.push(2); q.push(3); }, 2);
  setTimeout(() => { q.push(4); q.close(); }, 30);
  const got = [];
  for await (const v of q) got.push(v);
  return { got, sum: got.reduce((a, b) => a + b) };
}
