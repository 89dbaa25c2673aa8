// Imports of several shapes in an ES module.
import path, { basename } from 'node:path';
import * as util from 'util';
import { EventEmitter as Emitter } from 'events';
export function main() {
  const e = new Emitter();
  const got = [];
  e.on('x', (v) => got.push(v));
  e.emit('x', util.format('%s-%d', 'a', 5));
  return { base: basename('/a/b.txt'), ext: path.extname('c.tar.gz'), got, meta: typeof import.meta };
}
