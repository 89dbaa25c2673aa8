// Middleware in the manner of web frameworks, with next and errors.
function compose(stack) {
  return (ctx) => {
    let last = -1;
    const run = async (i) => { if (i <= last) throw new Error('next() called twice'); last = i; const f = stack[i]; if (f) await f(ctx, () => run(i + 1)); };
    return run(0);
  };
}
async function main() {
  const log = [];
  const app = compose([
    async (ctx, next) => { log.push('in'); try { await next(); } catch (e) { ctx.status = 500; ctx.body = e.message; } log.push('out'); },
    async (ctx, next) => { if (ctx.path === '/health') { ctx.body = 'ok'; return; } await next(); },
    async (ctx) => { await null; if (ctx.path === '/fail') throw new Error('handler failed'); ctx.body = `hello ${ctx.path}`; },
  ]);
  const results = [];
  for (const path of ['/a', '/health', '/fail']) { const ctx = { path, status: 200 }; await app(ctx); results.push(ctx); }
  const twice = await compose([async (c, n) => { await n(); await n(); }, () => {}])({}).catch((e) => e.message);
  return { results, log, twice };
}
