// Destructuring with defaults, renaming, rest and in parameters.
// args: {"user": {"name": "Ada", "tags": ["x", "y", "z"], "address": {"city": "London"}}, "extra": 1, "more": null}
function main({ user: { name, tags: [first, ...others], address: { city, zip = 'n/a' } = {} }, more = 'default', missing = 'default', ...rest }) {
  let [a, b] = [1, 2];
  [a, b] = [b, a];
  const { length } = 'hello';
  const { [`na${'me'}`]: dynamic } = { name: 'computed' };
  const swap = ([x, y] = [1, 2], { z = x + y } = {}) => [x, y, z];
  return { name, first, others, city, zip, more, missing, rest, a, b, length, dynamic, swap: [swap(), swap([5, 6], { z: 0 })] };
}
