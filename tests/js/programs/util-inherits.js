// Classes the old way: functions, prototypes and util.inherits.
const util = require('util');
const { EventEmitter } = require('events');
function Animal(name) { EventEmitter.call(this); this.name = name; }
util.inherits(Animal, EventEmitter);
Animal.prototype.speak = function () { this.emit('sound', `${this.name} speaks`); return this; };
function Dog(name) { if (!(this instanceof Dog)) return new Dog(name); Animal.call(this, name); }
Dog.prototype = Object.create(Animal.prototype, { constructor: { value: Dog, writable: true, configurable: true } });
Dog.prototype.speak = function () { return Animal.prototype.speak.call(this).name.toUpperCase(); };
function main() {
  const log = [];
  const d = Dog('Rex');
  d.on('sound', (s) => log.push(s));
  return { up: d.speak(), log, inst: [d instanceof Dog, d instanceof EventEmitter], super: Animal.super_ === EventEmitter, own: Object.keys(Dog.prototype), hasOwn: d.hasOwnProperty('name') };
}
