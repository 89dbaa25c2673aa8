// The parts of a URL, read and written.
function main() {
  const u = new URL('https://user:p%40ss@example.com:8443/a/b%20c/../d?x=1&y=%C3%A9#frag');
  const parts = Object.fromEntries(['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'].map((k) => [k, u[k]]));
  u.port = '443'; u.pathname = '/new path/ü'; u.hash = ''; u.search = 'q=a b'; u.username = '';
  const after = u.href;
  u.protocol = 'http'; u.port = '99999'; u.host = 'other.org:81'; u.hostname = 'third.net';
  return { parts, after, last: String(u), json: JSON.stringify({ u }) };
}
