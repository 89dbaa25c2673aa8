// Timers run out, and main still waits.
async function main() {
  await new Promise((r) => setTimeout(r, 1));
  console.log('one timer ran');
  await new Promise((resolve, reject) => { setTimeout(() => console.log('another ran'), 1); });
  return {};
}
