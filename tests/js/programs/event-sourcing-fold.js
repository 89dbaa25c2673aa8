// Events of an account folded to its state, with snapshots and rejections.
// args: {"events": [{"type": "opened", "owner": "Ada"}, {"type": "deposited", "amount": 100}, {"type": "withdrawn", "amount": 30}, {"type": "withdrawn", "amount": 500}, {"type": "renamed", "owner": "Ada L."}, {"type": "exploded"}]}
const apply = {
  opened: (s, e) => ({ ...s, owner: e.owner, open: true }),
  deposited: (s, e) => ({ ...s, balance: s.balance + e.amount }),
  withdrawn: (s, e) => { if (e.amount > s.balance) throw new Error(`balance ${s.balance} is less than ${e.amount}`); return { ...s, balance: s.balance - e.amount }; },
  renamed: (s, { owner }) => ({ ...s, owner }),
};
function main({ events }) {
  const rejected = [];
  const snapshots = [];
  const state = events.reduce((s, e, i) => {
    try {
      if (!Object.hasOwn(apply, e.type)) throw new Error(`unknown event ${e.type}`);
      const next = { ...apply[e.type](s, e), version: s.version + 1 };
      if (next.version % 2 === 0) snapshots.push(structuredClone(next));
      return next;
    } catch (x) { rejected.push(`${i}: ${x.message}`); console.warn(x.message); return s; }
  }, { balance: 0, version: 0 });
  return { state, rejected, snapshots };
}
