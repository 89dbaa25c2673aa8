// main: App.handle
// A static method as entry; `this` is not the class.
class App {
  static handle(args) {
    return { bound: this === App, type: typeof this };
  }
}
