// atob and btoa, and what they refuse.
function main() {
  const err = (f) => { try { return f(); } catch (e) { return [e.name, e.code, e instanceof DOMException]; } };
  return { enc: ['', 'f', 'fo', 'foo', 'Hello, World!', '\xff\x00'].map(btoa), dec: ['', 'Zg==', 'Zm8', ' Zm 9v\n'].map((s) => atob(s)), wide: err(() => btoa('€')), bad: ['a', 'ab=c', '****', 'abc=='].map((s) => err(() => atob(s))), utf8: btoa(String.fromCharCode(...new TextEncoder().encode('é€'))), num: btoa(42), round: atob(btoa('\x00\x80\xfe')).charCodeAt(2) };
}
