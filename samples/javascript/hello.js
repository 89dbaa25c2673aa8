// Greets: {"name":"x"} -> {"greeting":"Hello, x!"}; without a name it greets a stranger.
function main({ name = 'stranger' }) {
  return { greeting: `Hello, ${name}!` };
}
