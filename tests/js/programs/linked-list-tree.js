// A linked list and a search tree with iteration, printed.
class List { static of(...xs) { return xs.reduceRight((next, value) => Object.assign(new List(), { value, next }), null); } *[Symbol.iterator]() { for (let n = this; n; n = n.next) yield n.value; } reverse() { let out = null; for (const v of this) out = Object.assign(new List(), { value: v, next: out }); return out; } }
class Tree { insert(v) { if (this.v === undefined) this.v = v; else if (v < this.v) (this.l ??= new Tree()).insert(v); else (this.r ??= new Tree()).insert(v); return this; } get depth() { return 1 + Math.max(this.l?.depth ?? 0, this.r?.depth ?? 0); } *[Symbol.iterator]() { if (this.l) yield* this.l; yield this.v; if (this.r) yield* this.r; } }
function main() {
  const l = List.of(1, 2, 3, 4);
  const t = [5, 2, 8, 1, 9, 3].reduce((t, v) => t.insert(v), new Tree());
  console.log(l);
  console.log(t);
  return { list: [...l], reversed: [...l.reverse()], sorted: [...t], depth: t.depth, json: JSON.stringify(List.of(1, 2)) };
}
