// engine-message
// Texts that are no JSON.
function main() {
  const bad = ['', '{', '{"a":1,}', "{'a':1}", '[1,2', 'undefined', '01', '1.', '"\n"', '{"a" 1}', 'nul', '[1]x', '\u00a01', '"\\x41"', 'NaN', '+1', '.5', '// c\n1'];
  const good = [' [1] ', '1e5', '"\\u00e9\\/"', 'null', '-0', '{"":0}', '"\u2028"', '\t\n1'];
  const name = (t) => { try { JSON.parse(t); return 'ok'; } catch (e) { return e instanceof SyntaxError ? 'SyntaxError' : e.name; } };
  try { JSON.parse('{"a":'); } catch (e) { console.log(e.name, '-', typeof e.message); console.error(`${e}`); }
  return { bad: bad.map(name), good: good.map(name) };
}
