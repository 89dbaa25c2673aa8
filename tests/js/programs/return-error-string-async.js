// An error member that a promise gives.
async function main(args) {
  await null;
  if (!args.city) return { error: 'parameter city is missing' };
  return { city: args.city };
}
