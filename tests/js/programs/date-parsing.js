// Which texts Date understands, and what they mean.
function main() {
  const texts = [
    '2024-03-10', '2024-03-10T10:00', '2024-03-10T10:00Z', '2024-03-10T10:00:00.123+02:00', '2024-03',
    '2024', 'Sun, 10 Mar 2024 10:00:00 GMT', 'March 7, 2024', 'Mar 7 2024 10:11:12', '2024/03/07',
    '2024-13-01', '2024-02-30T00:00:00Z', 'nonsense', '', '+012024-01-01T00:00:00Z',
  ];
  return texts.map((t) => {
    const ms = Date.parse(t);
    return [t, Number.isNaN(ms) ? 'invalid' : new Date(ms).toISOString()];
  });
}
