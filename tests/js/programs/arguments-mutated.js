// args: {"list": [1, 2, 3]}
// The parameters belong to the action, which may change them.
function main(args) {
  args.list.push(4);
  args.total = args.list.reduce((a, b) => a + b, 0);
  delete args.list;
  return args;
}
