// Greedy, lazy, alternation, back references and the groups of repeated parts.
function main() {
  const cases = [
    [/a+?/, 'aaa'], [/<.+>/, '<a><b>'], [/<.+?>/, '<a><b>'], [/(a|ab)(c|bcd)(d*)/, 'abcd'], [/(z)((a+)?(b+)?(c))*/, 'zaacbbbcac'],
    [/(\w)\1/, 'hello'], [/(?<q>['"]).*?\k<q>/, `say "it's" ok`], [/(?:)/, 'abc'], [/[^]/, '\n'], [/\bfoo\b/, 'a foo-bar'], [/x*$/, 'aab'],
  ];
  return cases.map(([re, s]) => [String(re), [...re.exec(s)].map((g) => g ?? null)]);
}
