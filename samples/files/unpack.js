// From a file that arrived to what a pipeline is given: `quirl watch … --fire … --content` says the
// file's name and its text.
//
// The first step of `months-of-file` and of `outlook-of-file`; the second is the pipeline itself.

function main({ name, content, encoding }) {
  // The member `error` makes the run an application error. Only the caller can do better.
  if (typeof content !== 'string') return { error: 'there is no `content`: watch with --content' };
  if (encoding) return { error: `\`content\` is ${encoding}: the file is not text` };
  return { csv: content, source: name };
}
