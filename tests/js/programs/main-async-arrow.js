// args: {"ms": 1}
// An async arrow function as entry.
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
const main = async ({ ms }) => {
  await wait(ms);
  return { waited: true };
};
