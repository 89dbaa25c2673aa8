// Named groups in exec, replace and destructuring.
function main() {
  const re = /(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)/u;
  const { groups: { year, month, day } } = re.exec('on 2024-02-29, leap');
  const swapped = '2024-02-29 and 1999-12-31'.replace(new RegExp(re, 'gu'), '$<day>.$<month>.$<year>');
  const m = 'x'.match(/(?<a>x)|(?<b>y)/);
  console.log(m);
  return { year, month, day, swapped, groups: { ...m.groups }, keys: Object.keys(m.groups), nullProto: Object.getPrototypeOf(m.groups) === null };
}
