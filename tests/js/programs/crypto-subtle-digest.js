// crypto.subtle.digest of the web API.
async function main() {
  const hex = (b) => Buffer.from(b).toString('hex');
  const data = new TextEncoder().encode('hello');
  const { subtle } = globalThis.crypto;
  const d = await subtle.digest('SHA-256', data);
  const name = await subtle.digest({ name: 'SHA-1' }, data.buffer);
  const bad = await subtle.digest('MD4', data).catch((e) => e.name);
  return { sha256: hex(d), sha1: hex(name), sha512: hex(await subtle.digest('SHA-512', data)).slice(0, 32), type: d instanceof ArrayBuffer, bad, lower: hex(await subtle.digest('sha-256', new Uint8Array())).slice(0, 8) };
}
