// Unicode normalisation and counting of what people see as characters.
function main() {
  const e = 'e\u0301';
  const strip = (t) => t.normalize('NFD').replace(/\p{M}/gu, '');
  return {
    lengths: [e.length, e.normalize().length, e.normalize('NFC') === 'é', 'é'.normalize('NFD') === e], compat: ['ﬁ'.normalize('NFKC'), '①²'.normalize('NFKD'), 'Å'.normalize('NFC') === 'Å'],
    strip: strip('Crème Brûlée à Zürich, naïve façade'), slug: strip('Ça va — très bien!').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, ''),
    hangul: '한'.normalize('NFD').length, family: ['👨‍👩‍👧'.length, [...'👨‍👩‍👧'].length], reversed: [...'año 😀'].reverse().join(''),
  };
}
