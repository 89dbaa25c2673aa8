// Lookahead and lookbehind.
function main() {
  return {
    thousands: '1234567.891'.replace(/(?<!\.\d*)\B(?=(?:\d{3})+(?!\d))/g, ','),
    prices: '€12 $30 €7.5'.match(/(?<=€)\d+(\.\d+)?/g),
    notPrices: 'a1 €2 b3'.match(/(?<!€)\d/g),
    password: ['abc', 'abcD1xyz', 'ABCdef12'].map((p) => /^(?=.*[A-Z])(?=.*\d).{8,}$/.test(p)),
    camel: 'someCamelCaseText'.split(/(?=[A-Z])/),
  };
}
