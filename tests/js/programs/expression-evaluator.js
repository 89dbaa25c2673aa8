// A calculator: tokens, precedence, functions, good errors.
// args: {"inputs": ["1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "-4 + sqrt(16)", "10 / 4 - 1", "max(1, 5, 3) % 3", "1 +", "2 * (3", "foo(1)", "1 / 0"]}
const fns = { sqrt: Math.sqrt, max: Math.max };
function evaluate(src) {
  const toks = src.match(/\d+(?:\.\d+)?|[a-z]+|[-+*\/%^(),]/g) ?? [];
  let i = 0;
  const eat = (t) => { if (toks[i] !== t) throw new SyntaxError(`expected ${t}, found ${toks[i] ?? 'end'}`); i++; };
  const atom = () => {
    const t = toks[i++];
    if (t === undefined) throw new SyntaxError('unexpected end');
    if (t === '-') return -power();
    if (t === '(') { const v = sum(); eat(')'); return v; }
    if (/[a-z]/.test(t)) { if (!fns[t]) throw new ReferenceError(`no function ${t}`); eat('('); const a = [sum()]; while (toks[i] === ',') { i++; a.push(sum()); } eat(')'); return fns[t](...a); }
    if (!/\d/.test(t)) throw new SyntaxError(`unexpected ${t}`);
    return Number(t);
  };
  const power = () => { const b = atom(); if (toks[i] !== '^') return b; i++; return b ** power(); };
  const left = (next, ops) => () => { let v = next(); while (ops[toks[i]]) v = ops[toks[i++]](v, next()); return v; };
  const product = left(power, { '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b });
  const sum = left(product, { '+': (a, b) => a + b, '-': (a, b) => a - b });
  const v = sum();
  if (i < toks.length) throw new SyntaxError(`unexpected ${toks[i]}`);
  return v;
}
const main = ({ inputs }) => ({ out: inputs.map((s) => { try { return [s, String(evaluate(s))]; } catch (e) { return [s, `${e.name}: ${e.message}`]; } }) });
