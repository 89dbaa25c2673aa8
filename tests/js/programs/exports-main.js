// The entry as exports.main.
exports.main = function (args) {
  return { via: 'exports', keys: Object.keys(args) };
};
