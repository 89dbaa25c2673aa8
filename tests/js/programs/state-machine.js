// A state machine of a door with guards and a history.
const machine = { initial: 'locked', states: { locked: { coin: 'closed' }, closed: { push: 'open', lock: 'locked' }, open: { close: 'closed', timeout: 'closed' } } };
function create({ initial, states }) {
  let state = initial;
  const history = [state];
  return { get state() { return state; }, history, send(event) { const next = states[state][event]; if (!next) throw new Error(`no ${event} while ${state}; try ${Object.keys(states[state]).join(' or ')}`); history.push(state = next); return this; } };
}
function main() {
  const m = create(machine);
  m.send('coin').send('push').send('timeout');
  const errors = [];
  for (const e of ['coin', 'lock', 'lock']) try { m.send(e); } catch (x) { errors.push(x.message); }
  return { state: m.state, history: m.history, errors };
}
