// Optional chaining, nullish coalescing and the assignments of both kinds.
// args: {"user": {"profile": {"langs": ["en"]}}, "zero": 0, "empty": ""}
function main(args) {
  const o = { n: null, z: 0, e: '', t: 'x' };
  o.n ??= 'filled'; o.z ??= 'no'; o.z ||= 5; o.e ||= 'text'; o.t &&= 'y';
  let side = 0;
  const r = args.nothing?.[side++]?.deep.er();
  return {
    lang: args.user?.profile?.langs?.[0], missing: args.user?.address?.city ?? 'unknown', call: args.fn?.() ?? 'no function',
    zero: args.zero ?? 1, zeroOr: args.zero || 1, empty: args.empty ?? 'x', o, side, r: r === undefined, del: delete args?.user?.profile.langs, left: args,
  };
}
