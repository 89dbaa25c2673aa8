// An interpreter of a very small language, with a typed array as tape.
function run(src, input = '') {
  const tape = new Uint8Array(300), jump = {}, stack = [];
  [...src].forEach((c, i) => { if (c === '[') stack.push(i); if (c === ']') { const j = stack.pop(); jump[i] = j; jump[j] = i; } });
  let out = '', p = 0, steps = 0, at = 0;
  for (let i = 0; i < src.length; i++, steps++) {
    switch (src[i]) {
      case '>': p++; break;
      case '<': p--; break;
      case '+': tape[p]++; break;
      case '-': tape[p]--; break;
      case '.': out += String.fromCharCode(tape[p]); break;
      case ',': tape[p] = input.charCodeAt(at++) || 0; break;
      case '[': if (!tape[p]) i = jump[i]; break;
      case ']': if (tape[p]) i = jump[i]; break;
      default:
    }
  }
  return { out, steps };
}
function main() {
  return { hello: run('++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.--------.>>+.'), echo: run(',[.,]', 'héy').out };
}
