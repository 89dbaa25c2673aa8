// A member `error` makes it an application error and drops the rest.
function main() {
  return { error: { code: 404, reason: 'no such city' }, payload: 'dropped' };
}
