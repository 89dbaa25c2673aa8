// An error with a cause; the text shows the outer one, the log both.
function main() {
  try {
    try {
      throw new Error('disk full');
    } catch (inner) {
      throw new Error('could not save', { cause: inner });
    }
  } catch (e) {
    console.log(e.message, '<-', e.cause.message, Object.keys(e).length);
    throw new Error('giving up', { cause: e.message });
  }
}
