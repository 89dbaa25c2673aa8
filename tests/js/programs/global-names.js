// Which names a program finds in the global scope.
function main() {
  const names = ['globalThis', 'global', 'process', 'Buffer', 'console', 'setTimeout', 'setImmediate', 'queueMicrotask', 'structuredClone', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'AbortController', 'Event', 'EventTarget', 'atob', 'btoa', 'performance', 'crypto', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'Promise', 'fetch', 'window', 'document', 'self', 'Deno', 'require', 'module', 'exports', '__filename', '__dirname', 'alert', 'DOMException', 'escape', 'eval'];
  return Object.fromEntries(names.map((n) => [n, eval(`typeof ${n}`)]));
}
