// Percent encoding, default ports, hosts and dots.
function main() {
  return ['HTTP://EXAMPLE.com:80/%7Efoo/../a%2fb', 'http://ex.com/a b?c d#e f', 'https://ex.com:443', 'http://[::1]:3000/x', 'http://192.168.0.1/', 'http://0x7f.1/', 'http://ex.com/ü?ü#ü', 'http://ex.com\\path\\x', '  http://ex.com/trim  ', 'file:///C:/dir/../f.txt', 'data:text/plain,hi there', 'http://ex.com/"<>`{}|^', "http://ex.com/?'\"<>", 'ftp://ex.com:21/x', 'custom://Host/Path', 'http://münchen.de/'].map((t) => new URL(t).href);
}
