// A subclass of Error with a name of its own.
class ValidationError extends Error {
  constructor(field, message) {
    super(message);
    this.name = 'ValidationError';
    this.field = field;
  }
}
function main(args) {
  if (!args.email) throw new ValidationError('email', 'email is required');
  return args;
}
