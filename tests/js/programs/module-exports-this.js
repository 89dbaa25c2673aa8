// Exports and a closure over module state.
let calls = 0;
const api = {
  count() { return ++calls; },
};
module.exports.main = (args) => {
  api.count();
  api.count();
  return { calls, sameObject: module.exports === exports };
};
