// Values set in process.env become strings.
function main() {
  process.env.COUNT = 5;
  process.env.FLAG = true;
  process.env.NOTHING = undefined;
  const seen = [process.env.COUNT, process.env.FLAG, process.env.NOTHING].map((v) => [typeof v, v]);
  delete process.env.COUNT;
  return { seen, gone: process.env.COUNT === undefined };
}
