// engine-message
// The engine's own error as the reason of a rejection.
async function main(args) {
  const user = args.user;
  return { name: user.name.first };
}
