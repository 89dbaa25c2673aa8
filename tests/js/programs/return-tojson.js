// toJSON at several depths decides what is sent.
class Money {
  constructor(cents, currency) { this.cents = cents; this.currency = currency; }
  toJSON(key) { return { amount: (this.cents / 100).toFixed(2), currency: this.currency, key }; }
}
function main() {
  return {
    price: new Money(1999, 'EUR'),
    prices: [new Money(5, 'USD'), { deep: new Money(100, 'CHF') }],
    hidden: { toJSON() { return undefined; } },
  };
}
