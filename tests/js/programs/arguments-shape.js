// args: {"a": {"b": [1, 2, {"c": null}]}, "text": "ü \u2028 \ud83d\ude00", "n": 1e21, "z": -0.5, "__proto__x": 1}
// The parameters as main gets them.
function main(args) {
  console.log(args);
  return {
    keys: Object.keys(args),
    proto: Object.getPrototypeOf(args) === Object.prototype,
    length: args.text.length,
    points: [...args.text].length,
    n: String(args.n),
    deep: args.a.b[2].c,
    count: arguments.length,
  };
}
