// Colours between hex, RGB and HSL, mixing and contrast.
const hex = (t) => t.match(/[0-9a-f]{2}/gi).map((x) => parseInt(x, 16));
const toHex = (c) => `#${c.map((x) => Math.round(x).toString(16).padStart(2, '0')).join('')}`;
function hsl([r, g, b]) { [r, g, b] = [r / 255, g / 255, b / 255]; const max = Math.max(r, g, b), min = Math.min(r, g, b), l = (max + min) / 2, d = max - min; if (!d) return [0, 0, Math.round(l * 100)]; const s = d / (1 - Math.abs(2 * l - 1)); const h = max === r ? ((g - b) / d + 6) % 6 : max === g ? (b - r) / d + 2 : (r - g) / d + 4; return [Math.round(h * 60), Math.round(s * 100), Math.round(l * 100)]; }
const lum = (c) => c.map((x) => x / 255).map((x) => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)).reduce((s, x, i) => s + x * [0.2126, 0.7152, 0.0722][i], 0);
function main() {
  const contrast = (a, b) => { const [x, y] = [lum(hex(a)), lum(hex(b))].sort((p, q) => q - p); return ((x + 0.05) / (y + 0.05)).toFixed(2); };
  return { hsl: ['#ff0000', '#00ff7f', '#336699', '#808080', '#ffffff'].map((c) => hsl(hex(c))), mix: toHex(hex('#ff0000').map((x, i) => (x + hex('#0000ff')[i]) / 2)), contrast: [contrast('#000000', '#ffffff'), contrast('#777777', '#ffffff')] };
}
