// An entry that is no function.
const main = { call: 'me' };
