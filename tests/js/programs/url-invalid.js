// Texts that are no URL, and what is known about the error.
function main() {
  const bad = ['', 'foo', '/relative', 'http://', 'http://a b/', 'http://ex.com:99999', 'http://[::1', '//no-base', 'http://ex.com:port/', 'http://%zz/'];
  const out = bad.map((t) => { try { return new URL(t).href; } catch (e) { return [e.name, e.code, e instanceof TypeError, e.input]; } });
  return { out, can: [URL.canParse('http://x'), URL.canParse('x'), URL.canParse('x', 'http://y')], base: (() => { try { new URL('x', 'nobase'); } catch (e) { return e.code; } })() };
}
