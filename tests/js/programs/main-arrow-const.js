// args: {"who": "you"}
// An arrow function in a const.
const main = ({ who = 'nobody' }) => ({ hello: who });
