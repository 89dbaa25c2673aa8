// An error class with members and a code.
class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.name = this.constructor.name;
    this.status = status;
    this.code = `E${status}`;
    this.headers = { 'retry-after': '3' };
  }
}
async function main() {
  await new Promise((r) => setTimeout(r, 1));
  throw new HttpError(429, 'slow down');
}
