// engine-message
// A circular result cannot be sent.
function main() {
  const node = { name: 'loop' };
  node.self = node;
  try {
    JSON.stringify(node);
  } catch (e) {
    console.log(e.name, e instanceof TypeError);
  }
  return node;
}
