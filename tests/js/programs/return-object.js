// A plain object comes back as the result.
// args: {"name": "Ada", "place": "London"}
function main(args) {
  const name = args.name || 'stranger';
  const place = args.place || 'somewhere';
  return { payload: `Hello, ${name} from ${place}!` };
}
