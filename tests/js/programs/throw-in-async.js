// A throw in an async function is a rejection, and so an application error.
async function main() {
  console.log('start');
  throw new Error('async failure');
}
