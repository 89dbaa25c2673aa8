// args: {"x": 20}
// The entry as a member of module.exports.
const double = (x) => x * 2;
const run = ({ x }) => ({ via: 'module.exports', doubled: double(x) });
module.exports = { main: run, double };
