// Flags u and properties of characters.
function main() {
  const text = 'Zürich 東京 Москва 42 ٣ 😀👍';
  return {
    letters: text.match(/\p{L}+/gu),
    digits: text.match(/\p{Nd}/gu),
    emoji: text.match(/\p{Emoji_Presentation}/gu),
    han: text.match(/\p{Script=Han}+/u)[0],
    upper: text.match(/\p{Lu}/gu),
    dot: ['😀'.match(/./g).length, '😀'.match(/./gu).length],
    escape: /\u{1F600}/u.test('😀'),
    fold: [/ſ/iu.test('S'), /ſ/i.test('S')],
    vflag: 'a1b2'.match(/[\p{L}--[a]]/gv),
  };
}
