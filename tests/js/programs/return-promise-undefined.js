// An async function without return gives an empty object.
async function main() {
  await null;
  console.log('done');
}
