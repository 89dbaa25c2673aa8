// Things of process whose values differ, by their types only.
function main() {
  const t = process.hrtime();
  const d = process.hrtime(t);
  return {
    hrtime: [Array.isArray(t), t.length, d[0] >= 0 && d[1] >= 0],
    bigint: typeof process.hrtime.bigint(),
    uptime: typeof process.uptime(),
    argv: Array.isArray(process.argv),
    version: /^v20\./.test(process.version),
    versions: typeof process.versions.node,
    platform: typeof process.platform,
    cwd: typeof process.cwd(),
    memory: typeof process.memoryUsage().heapUsed,
    pid: Number.isInteger(process.pid),
    now: typeof performance.now(),
  };
}
