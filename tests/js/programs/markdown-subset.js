// Headings, lists, emphasis, links and code to HTML.
// args: {"md": "# Title\n\nSome *text* with **bold** and `a<b`.\nSecond line.\n\n- one\n- two [link](http://x.y/?a=1&b=2)\n\n## Sub\n\n```\ncode **kept**\n```\n"}
const esc = (s) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const inline = (s) => esc(s).replace(/`([^`]+)`/g, '<code>$1</code>').replace(/\*\*(.+?)\*\*/g, '<b>$1</b>').replace(/\*(.+?)\*/g, '<i>$1</i>').replace(/\[(?<t>[^\]]+)\]\((?<u>[^)]+)\)/g, '<a href="$<u>">$<t></a>');
function main({ md }) {
  const html = md.split(/\n{2,}/).map((block) => {
    const h = /^(#{1,6}) (.*)/.exec(block);
    if (h) return `<h${h[1].length}>${inline(h[2])}</h${h[1].length}>`;
    if (block.startsWith('```')) return `<pre>${esc(block.replace(/^```\n?|\n?```\n?$/g, ''))}</pre>`;
    if (/^- /.test(block)) return `<ul>${block.split(/^- /m).slice(1).map((i) => `<li>${inline(i.trim())}</li>`).join('')}</ul>`;
    return `<p>${inline(block.trim())}</p>`;
  });
  console.log(html.join('\n'));
  return { html };
}
