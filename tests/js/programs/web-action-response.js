// What a web action gives back: status, headers and a body in base64.
// args: {"__ow_method": "get", "__ow_headers": {"accept": "image/svg+xml"}, "__ow_path": "/badge", "label": "build", "status": "passing & <ok>"}
function main({ __ow_method: method, __ow_headers: headers, label, status }) {
  const esc = (s) => s.replace(/[<>&]/g, (c) => `&#${c.codePointAt()};`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg"><text>${esc(label)}: ${esc(status)}</text></svg>`;
  console.log(method.toUpperCase(), headers.accept);
  return { statusCode: 200, headers: { 'Content-Type': 'image/svg+xml', ETag: `"${require('crypto').createHash('md5').update(svg).digest('hex')}"`, 'Set-Cookie': ['a=1', 'b=2; HttpOnly'] }, body: Buffer.from(svg).toString('base64') };
}
