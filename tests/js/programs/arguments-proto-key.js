// args: {"__proto__": {"admin": true}, "constructor": "x", "toString": 1}
// Names of parameters that mean something to the language.
function main(args) {
  return {
    own: Object.keys(args).sort(),
    inherited: args.admin === undefined,
    proto: Object.getPrototypeOf(args) === Object.prototype,
    constructor: args.constructor,
  };
}
