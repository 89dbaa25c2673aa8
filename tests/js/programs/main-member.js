// main: api.run
// args: {"n": 5}
// The entry as a member of an object.
const api = {
  run(args) { return { n: args.n + 1 }; },
};
