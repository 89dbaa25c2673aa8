// main: process
// The directive names a variable of the outer scope that is no function.
function other() { return {}; }
