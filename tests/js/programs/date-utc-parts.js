// Parts of a date in UTC, and the forms in which it prints.
function main() {
  const d = new Date(Date.UTC(2024, 1, 29, 23, 59, 58, 7));
  console.log(d);
  console.log(String(d));
  return {
    iso: d.toISOString(),
    utc: d.toUTCString(),
    json: JSON.stringify({ d }),
    parts: [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCDay(), d.getUTCHours()],
    local: [d.getHours(), d.getTimezoneOffset()],
    dateString: d.toDateString(),
    timeString: d.toTimeString(),
  };
}
