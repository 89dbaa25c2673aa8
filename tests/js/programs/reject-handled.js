// A rejection that is handled leaves no trace in the result.
function main() {
  return Promise.reject(new Error('first try'))
    .catch((e) => ({ recovered: e.message }))
    .finally(() => console.log('finally'));
}
