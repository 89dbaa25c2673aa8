// Private fields, methods, static parts and brand checks.
class Account {
  static #count = 0;
  static { Account.bank = 'Quirl'; }
  #balance = 0;
  owner;
  constructor(owner) { this.owner = owner; Account.#count += 1; }
  #check(n) { if (!(n > 0)) throw new RangeError(`bad amount: ${n}`); }
  deposit(n) { this.#check(n); this.#balance += n; return this; }
  get balance() { return this.#balance; }
  set balance(v) { throw new Error('read only'); }
  static get count() { return Account.#count; }
  static is(x) { return #balance in x; }
}
function main() {
  const a = new Account('Ada').deposit(10).deposit(5);
  const errors = [() => a.deposit(-1), () => { a.balance = 3; }].map((f) => { try { f(); } catch (e) { return `${e.name}: ${e.message}`; } });
  console.log(a);
  return { balance: a.balance, bank: Account.bank, count: Account.count, is: [Account.is(a), Account.is({})], errors, keys: Object.keys(a) };
}
