// env: {"GREETING": "bonjour", "EMPTY": ""}
// What the platform and the action put into the environment.
function main() {
  const names = Object.keys(process.env).filter((n) => n.startsWith('__OW_')).sort();
  return {
    names,
    action: process.env.__OW_ACTION_NAME,
    version: process.env.__OW_ACTION_VERSION,
    namespace: process.env.__OW_NAMESPACE,
    activation: process.env.__OW_ACTIVATION_ID.length,
    left: Number(process.env.__OW_DEADLINE) > Date.now(),
    greeting: process.env.GREETING,
    empty: process.env.EMPTY,
    missing: process.env.NOT_SET === undefined,
    has: ['GREETING' in process.env, 'NOPE' in process.env],
  };
}
