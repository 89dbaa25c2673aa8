// Errors wrapped with causes through layers, shown as a chain.
class RepositoryError extends Error { name = 'RepositoryError'; }
class ServiceError extends Error { constructor(m, o) { super(m, o); this.name = 'ServiceError'; this.code = 'E_SERVICE'; } }
const load = async () => { throw new SyntaxError('bad row'); };
const repository = () => load().catch((cause) => { throw new RepositoryError('cannot load user 7', { cause }); });
const service = async () => { try { return await repository(); } catch (cause) { throw new ServiceError('profile unavailable', { cause }); } };
function* chain(e) { for (; e instanceof Error; e = e.cause) yield `${e.name}: ${e.message}`; }
async function main() {
  try { await service(); } catch (e) {
    const lines = [...chain(e)];
    console.error(lines.join('\n  caused by '));
    return { error: { code: e.code, chain: lines } };
  }
}
