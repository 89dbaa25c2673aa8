// An ES module that throws while it is loaded.
const ready = false;
if (!ready) throw new Error('module is not ready');
export default () => ({});
