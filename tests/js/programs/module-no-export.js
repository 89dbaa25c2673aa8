// An ES module without an entry.
export const version = '1.0';
export function helper() { return {}; }
