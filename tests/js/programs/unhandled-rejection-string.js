// The same with a reason that is no Error, a moment later.
async function main() {
  setTimeout(() => { Promise.reject('text only'); }, 1);
  await new Promise((r) => setTimeout(r, 500));
  return { never: true };
}
