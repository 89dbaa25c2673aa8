// A conductor action: which action comes next, by the state it is given.
// args: {"$state": 1, "value": 21}
function main(params) {
  const { $state: step = 0, ...rest } = params;
  switch (step) {
    case 0: return { action: 'triple', params: rest, state: { $state: 1 } };
    case 1: return { action: 'increment', params: { ...rest, value: rest.value * 2 }, state: { $state: 2 } };
    default: return { params: rest };
  }
}
