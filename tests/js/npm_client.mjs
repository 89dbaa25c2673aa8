// The npm client `openwhisk`, unmodified, against a real server: every method of its objects, on
// success and on refusal. Compared are what it returns, in whole, what it throws, and what it sent.
//
// node npm_client.mjs FOLDER_OF_THE_PACKAGE http://HOST:PORT KEY
//
// Between the client and the server stands a recorder that passes everything on. The last line of
// the output is JSON: how many methods and comparisons there were, and what went wrong.

import http from 'node:http'
import { createRequire } from 'node:module'

const [folder, server, key] = process.argv.slice(2)
const openwhisk = createRequire(import.meta.url)(folder)

// What stands for what varies.
const matcher = (name, test) => Object.assign(test, { shown: `<${name}>` })
const INT = matcher('int', Number.isInteger)
const TEXT = matcher('text', value => typeof value === 'string')
const ID = matcher('id', value => /^[0-9a-f]{32}$/.test(value))
const LINE = text => matcher(`line ${text}`, value => /^\S+Z +std(out|err): /.test(value) && value.endsWith(text))
class Optional { constructor (value) { this.value = value } }
const optional = value => new Optional(value)

const fits = (expected, found) => {
  if (typeof expected === 'function') return expected(found)
  if (Array.isArray(expected)) return Array.isArray(found) && fitsAll(expected, found)
  if (expected !== null && typeof expected === 'object') {
    if (found === null || typeof found !== 'object' || Array.isArray(found)) return false
    const names = Object.keys(expected)
    return names.length === Object.keys(found).length && names.every(name => name in found && fits(expected[name], found[name]))
  }
  return expected === found
}
const fitsAll = ([first, ...expected], found) => {
  if (first === undefined) return expected.length === 0 && found.length === 0
  if (first instanceof Optional) {
    return fitsAll(expected, found) || (found.length > 0 && fits(first.value, found[0]) && fitsAll(expected, found.slice(1)))
  }
  return found.length > 0 && fits(first, found[0]) && fitsAll(expected, found.slice(1))
}
const shown = value => JSON.stringify(value, (_, value) => typeof value === 'function' ? value.shown : value instanceof Optional ? { optional: value.value } : value)

let requests = []
let comparisons = 0
const wrong = []
const compare = (label, what, expected, found) => {
  comparisons++
  if (!fits(expected, found)) wrong.push(`${label}: ${what}\n    is  ${shown(found)}\n    not ${shown(expected)}`)
}

const recorder = http.createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const body = Buffer.concat(parts)
    requests.push(`${request.method} ${request.url}${body.length ? ` ${body}` : ''}`)
    const { authorization, 'content-type': type = '', 'user-agent': agent } = request.headers
    compare(request.url, 'headers', [`Basic ${Buffer.from(key).toString('base64')}`, body.length ? 'application/json; charset=utf-8' : '', 'openwhisk-client-js'], [authorization, type, agent])
    const passed = http.request(`${server}${request.url}`, { method: request.method, headers: request.headers }, answer => {
      response.writeHead(answer.statusCode, answer.statusMessage, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', error => response.destroy(error))
    passed.end(body)
  })
})
await new Promise(resolve => recorder.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${recorder.address().port}`
const ow = openwhisk({ apihost: base, api_key: key })

// Every method of every object, but for those of routes: they need the gateway's actions.
const called = new Set()
const all = new Set()
for (const [name, object] of Object.entries(ow)) {
  if (name === 'routes') continue
  for (let proto = Object.getPrototypeOf(object); proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const method of Object.getOwnPropertyNames(proto)) {
      if (method === 'constructor' || Object.hasOwn(object, method)) continue
      all.add(`${name}.${method}`)
      const inner = object[method]
      Object.defineProperty(object, method, { enumerable: false, value (...given) { called.add(`${name}.${method}`); return inner.apply(this, given) } })
    }
  }
}

const N = '/api/v1/namespaces/_'
const none = []
// `sent` has the requests in order; of several at once the order does not count.
const step = async (label, sent, run, { is, fails, throws }) => {
  requests = []
  let found, error
  try { found = await run() } catch (caught) { error = caught }
  sent = [sent].flat()
  compare(label, 'requests', [...sent].sort(), [...requests].sort())
  if (throws !== undefined) {
    compare(label, 'what it throws', throws, error?.message)
  } else if (fails !== undefined) {
    const [statusCode, text, body = { code: TEXT, error: text }] = fails
    const [method, url] = sent[0].split(' ')
    const told = `${method} ${base}${url.split('?')[0]} Returned HTTP ${statusCode} (${http.STATUS_CODES[statusCode]}) --> `
    const message = typeof text === 'function' ? matcher(told, found => found.startsWith(told) && text(found.slice(told.length + 1, -1))) : `${told}"${text}"`
    compare(label, 'message', message, error?.message)
    compare(label, 'status', statusCode, error?.statusCode)
    compare(label, 'error body', body, error?.error)
    compare(label, 'kind of error', 'OpenWhiskError', error?.name)
  } else if (error) {
    compare(label, 'no error', null, String(error))
  } else {
    compare(label, 'returned', is, found)
  }
  return found
}

const missing = 'The requested resource does not exist.'
const exists = 'resource already exists'
const denied = resource => `The supplied authentication is not authorized to access '${resource}'.`
const limits = { concurrency: 1, logs: 10, memory: 256, timeout: 60000 }
const echo = 'function main(a) { console.log("hi"); return a }'
const code = (text, kind = 'nodejs:default') => ({ exec: { kind, code: text } })
const noKey = { key: 'provide-api-key', value: false }
const kindOf = value => ({ key: 'exec', value })
const action = (name, { text = echo, namespace = 'guest', version = '0.0.1', annotations = [noKey, kindOf('nodejs:20')], parameters = [], exec, ...other } = {}) => ({
  annotations, exec: exec ?? { kind: 'nodejs:20', code: text, binary: false }, limits, name, namespace, parameters, publish: false, updated: INT, version, ...other
})
const summary = document => {
  const { parameters, exec, ...rest } = document
  return { ...rest, exec: { binary: exec.binary } }
}
const annotations = path => [
  { key: 'path', value: path }, { key: 'waitTime', value: INT }, { key: 'kind', value: 'nodejs:20' }, { key: 'timeout', value: false },
  { key: 'limits', value: limits }, optional({ key: 'initTime', value: INT }), optional({ key: 'start', value: TEXT })
]
const record = (name, result, { status = 'success', version = '0.0.1', logs = [], path = `guest/${name}` } = {}) => ({
  activationId: ID, annotations: annotations(path), duration: INT, end: INT, logs, name, namespace: 'guest', publish: false,
  response: { result, size: INT, status, success: status === 'success' }, start: INT, subject: 'guest', version
})
const eventually = async look => {
  for (const end = Date.now() + 30000; ;) {
    try { return await look() } catch (error) { if (Date.now() > end) throw error }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

// Actions.
await step('no actions', `GET ${N}/actions?`, () => ow.actions.list(), { is: [] })
await step('create an action', `PUT ${N}/actions/hello? {"annotations":[{"key":"about","value":"x"}],"exec":{"kind":"nodejs:default","code":${JSON.stringify(echo)}},"parameters":[{"key":"a","value":1}]}`,
  () => ow.actions.create({ name: 'hello', action: echo, params: { a: 1 }, annotations: { about: 'x' } }),
  { is: action('hello', { annotations: [{ key: 'about', value: 'x' }, noKey, kindOf('nodejs:20')], parameters: [{ key: 'a', value: 1 }] }) })
await step('create it again', `PUT ${N}/actions/hello? ${JSON.stringify(code('x'))}`, () => ow.actions.create({ name: 'hello', action: 'x' }), { fails: [409, exists] })
const hello = action('hello', { version: '0.0.2', parameters: [{ key: 'b', value: 2 }], annotations: [{ key: 'about', value: 'x' }, noKey, kindOf('nodejs:20')] })
await step('update it', `PUT ${N}/actions/hello?overwrite=true ${JSON.stringify({ ...code(echo), parameters: [{ key: 'b', value: 2 }] })}`,
  () => ow.actions.update({ name: 'hello', action: echo, params: { b: 2 } }), { is: hello })
await step('its limits and version', `PUT ${N}/actions/limited? ${JSON.stringify({ ...code('x'), version: '1.2.3', limits: { timeout: 500 } })}`,
  () => ow.actions.create({ name: 'limited', action: 'x', version: '1.2.3', limits: { timeout: 500 } }),
  { is: { ...action('limited', { text: 'x', version: '1.2.3' }), limits: { ...limits, timeout: 500 } } })
await step('limits out of bounds', `PUT ${N}/actions/limited?overwrite=true {"limits":{"timeout":1}}`, () => ow.actions.update({ name: 'limited', limits: { timeout: 1 } }),
  { fails: [400, 'requirement failed: duration 1 milliseconds below allowed threshold of 100 milliseconds'] })
await step('read it', `GET ${N}/actions/hello?`, () => ow.actions.get('hello'), { is: hello })
await step('read it without code', `GET ${N}/actions/hello?code=false`, () => ow.actions.get({ actionName: 'hello', code: false }), { is: { ...hello, exec: { kind: 'nodejs:20', binary: false } } })
await step('bytes', `PUT ${N}/actions/bytes? {"exec":{"kind":"blackbox","code":"eHl6","image":"org/image"}}`,
  () => ow.actions.create({ name: 'bytes', action: Buffer.from('xyz'), exec: { kind: 'blackbox', image: 'org/image' } }),
  { is: action('bytes', { annotations: [noKey, kindOf('blackbox')], exec: { kind: 'blackbox', image: 'org/image', code: 'eHl6', binary: true } }) })
const fail = action('fail', { text: 'function main() { return { error: "boom" } }' })
await step('a body of its own', `PUT ${N}/actions/fail? ${JSON.stringify(code(fail.exec.code))}`, () => ow.actions.create({ name: 'fail', action: code(fail.exec.code) }), { is: fail })
const sequence = action('seq', { annotations: [noKey, kindOf('sequence')], parameters: [{ key: '_actions', value: ['/guest/hello'] }], exec: { kind: 'sequence', components: ['/guest/hello'] } })
await step('a sequence', `PUT ${N}/actions/seq? {"exec":{"kind":"sequence","components":["/_/hello"]}}`, () => ow.actions.create({ name: 'seq', sequence: ['/_/hello'] }), { is: sequence })
await step('a sequence of nothing that exists', `PUT ${N}/actions/no? {"exec":{"kind":"sequence","components":["/_/gone"]}}`, () => ow.actions.create({ name: 'no', sequence: ['/_/gone'] }),
  { fails: [400, 'Sequence component does not exist.'] })
await step('an empty sequence', none, () => ow.actions.create({ name: 'no', sequence: [] }), { throws: 'Invalid sequence parameter from options. Array must not be empty.' })
await step('a sequence that is none', none, () => ow.actions.create({ name: 'no', sequence: 'x' }), { throws: 'Invalid sequence parameter from options. Must be an array.' })
await step('both', none, () => ow.actions.create({ name: 'no', sequence: ['x'], action: 'x' }), { throws: 'Invalid options parameters, contains both "action" and "sequence" parameters in options.' })
await step('neither', none, () => ow.actions.create({ name: 'no' }), { throws: 'Missing mandatory action or sequence parameter from options.' })
await step('an update of nothing', `PUT ${N}/actions/no?overwrite=true {}`, () => ow.actions.update({ name: 'no' }), { fails: [400, 'exec undefined'] })
await step('list', `GET ${N}/actions?skip=1&limit=2`, () => ow.actions.list({ limit: 2, skip: 1 }), {
  is: [summary(fail), summary(action('bytes', { annotations: [noKey, kindOf('blackbox')], exec: { binary: true } }))]
})
await step('count', `GET ${N}/actions?count=true`, () => ow.actions.list({ count: true }), { is: { actions: 5 } })
await step('a bad limit', `GET ${N}/actions?limit=201`, () => ow.actions.list({ limit: 201 }),
  { fails: [400, "The query parameter 'limit' was malformed:\nThe value '201' is not in the range of 0 to 200 for actions."] })
const { activationId } = await step('invoke', `POST ${N}/actions/hello? {"c":3}`, () => ow.actions.invoke({ name: 'hello', params: { c: 3 } }), { is: { activationId: ID } })
await step('invoke and wait', `POST ${N}/actions/hello?blocking=true {"c":3}`, () => ow.actions.invoke({ name: 'hello', blocking: true, params: { c: 3 } }), { is: record('hello', { b: 2, c: 3 }, { version: '0.0.2' }) })
await step('invoke for the result', `POST ${N}/actions/hello?blocking=true {}`, () => ow.actions.invoke({ name: 'hello', blocking: true, result: true }), { is: { b: 2 } })
await step('invoke what fails', `POST ${N}/actions/fail?blocking=true {}`, () => ow.actions.invoke({ name: 'fail', blocking: true }),
  { fails: [502, 'boom', record('fail', { error: 'boom' }, { status: 'application error' })] })
await step('invoke what cannot run here', `POST ${N}/actions/bytes? {}`, () => ow.actions.invoke({ name: 'bytes' }), { fails: [400, matcher('cannot run', text => text.startsWith("The 'blackbox' runtime cannot run on this server: "))] })
await step('a payload that is none', none, () => ow.actions.invoke({ name: 'hello', params: 'x' }), { throws: 'Invalid payload type, must be an object.' })
for (const [verb, run] of [['GET', 'get'], ['DELETE', 'delete'], ['POST', 'invoke']]) {
  const query = verb === 'DELETE' ? '' : '?'
  const body = verb === 'POST' ? ' {}' : ''
  await step(`${run} no action`, `${verb} ${N}/actions/gone${query}${body}`, () => ow.actions[run]({ name: 'gone' }), { fails: [404, missing] })
  await step(`${run} somebody else's`, `${verb} /api/v1/namespaces/elsewhere/actions/x${query}${body}`, () => ow.actions[run]({ name: '/elsewhere/x' }), { fails: [403, denied('elsewhere/x')] })
  await step(`${run} no name`, none, () => ow.actions[run]({}), { throws: 'Missing resource identifier from parameters, supported parameter names: name, actionName' })
}
await step("create somebody else's", `PUT /api/v1/namespaces/elsewhere/actions/x? ${JSON.stringify(code('x'))}`, () => ow.actions.create({ name: '/elsewhere/x', action: 'x' }), { fails: [403, denied('elsewhere/x')] })
await step("list somebody else's", 'GET /api/v1/namespaces/elsewhere/actions?', () => ow.actions.list({ namespace: 'elsewhere' }), { fails: [403, denied('elsewhere')] })
await step('delete several', [`DELETE ${N}/actions/limited`, `DELETE ${N}/actions/bytes`], () => ow.actions.delete(['limited', 'bytes']), {
  is: [{ ...action('limited', { text: 'x', version: '1.2.3' }), limits: { ...limits, timeout: 500 } }, action('bytes', { annotations: [noKey, kindOf('blackbox')], exec: { kind: 'blackbox', image: 'org/image', code: 'eHl6', binary: true } })]
})

// Packages.
const pack = (name, other = {}) => ({ annotations: [], binding: {}, name, namespace: 'guest', parameters: [], publish: false, updated: INT, version: '0.0.1', ...other })
const tools = pack('tools', { annotations: [{ key: 'k', value: 1 }], parameters: [{ key: 'p', value: 'v' }], publish: true })
await step('create a package', `PUT ${N}/packages/tools? {"annotations":[{"key":"k","value":1}],"publish":true,"parameters":[{"key":"p","value":"v"}]}`,
  () => ow.packages.create({ name: 'tools', package: { publish: true, parameters: [{ key: 'p', value: 'v' }] }, annotations: { k: 1 } }), { is: tools })
await step('create it again', `PUT ${N}/packages/tools? {}`, () => ow.packages.create({ packageName: 'tools' }), { fails: [409, exists] })
await step('update it', `PUT ${N}/packages/tools?overwrite=true {"publish":false}`, () => ow.packages.update({ name: 'tools', package: { publish: false } }), { is: { ...tools, publish: false, version: '0.0.2' } })
await step('an action in it', `PUT ${N}/actions/tools/echo? ${JSON.stringify(code(echo))}`, () => ow.actions.create({ name: 'tools/echo', action: echo }), { is: action('echo', { namespace: 'guest/tools' }) })
await step('an action in no package', `PUT ${N}/actions/gone/echo? ${JSON.stringify(code(echo))}`, () => ow.actions.create({ name: 'gone/echo', action: echo }), { fails: [404, missing] })
const contents = { actions: [{ annotations: [noKey, kindOf('nodejs:20')], name: 'echo', version: '0.0.1' }], feeds: [] }
await step('read it', `GET ${N}/packages/tools`, () => ow.packages.get('tools'), { is: { ...tools, ...contents, publish: false, version: '0.0.2' } })
const bound = { binding: { namespace: 'guest', name: 'tools' }, annotations: [{ key: 'binding', value: { namespace: 'guest', name: 'tools' } }] }
await step('bind it', `PUT ${N}/packages/bound? {"binding":{"namespace":"_","name":"tools"}}`, () => ow.packages.create({ name: 'bound', package: { binding: { namespace: '_', name: 'tools' } } }), { is: pack('bound', bound) })
await step('bind nothing', `PUT ${N}/packages/no? {"binding":{"namespace":"_","name":"gone"}}`, () => ow.packages.create({ name: 'no', package: { binding: { namespace: '_', name: 'gone' } } }), { fails: [400, 'Binding references a package that does not exist.'] })
await step("bind somebody else's", `PUT ${N}/packages/no? {"binding":{"namespace":"elsewhere","name":"x"}}`, () => ow.packages.create({ name: 'no', package: { binding: { namespace: 'elsewhere', name: 'x' } } }), { fails: [403, denied('elsewhere/x')] })
await step('invoke through it', `POST ${N}/actions/bound/echo?blocking=true {}`, () => ow.actions.invoke({ name: 'bound/echo', blocking: true }), {
  is: { ...record('echo', { p: 'v' }), annotations: [{ key: 'binding', value: 'guest/bound' }, ...annotations('guest/tools/echo')] }
})
await step('list', `GET ${N}/packages?`, () => ow.packages.list(), {
  is: [pack('bound', bound), { ...tools, binding: false, publish: false, version: '0.0.2' }].map(({ parameters, ...line }) => line)
})
await step('count', `GET ${N}/packages?skip=1&count=true`, () => ow.packages.list({ count: true, skip: 1 }), { is: { packages: 1 } })
await step("list somebody else's", 'GET /api/v1/namespaces/elsewhere/packages?public=true', () => ow.packages.list({ namespace: 'elsewhere', public: true }), { is: [] })
await step('delete what is not empty', `DELETE ${N}/packages/tools`, () => ow.packages.delete('tools'), { fails: [409, 'Package not empty (contains 1 entity). Set force param or delete package contents.'] })
await step('another kind by this name', `GET ${N}/packages/hello`, () => ow.packages.get('hello'), { fails: [409, 'Resource by this name exists but is not in this collection.'] })
await step('get none', `GET ${N}/packages/gone`, () => ow.packages.get('gone'), { fails: [404, "The requested resource 'guest/gone' does not exist."] })
await step('delete none', `DELETE ${N}/packages/gone`, () => ow.packages.delete('gone'), { fails: [404, missing] })
await step("get somebody else's", 'GET /api/v1/namespaces/elsewhere/packages/x', () => ow.packages.get('/elsewhere/x'), { fails: [403, denied('elsewhere/x')] })
await step("delete somebody else's", 'DELETE /api/v1/namespaces/elsewhere/packages/x', () => ow.packages.delete('/elsewhere/x'), { fails: [403, denied('elsewhere/x')] })
await step("create somebody else's", 'PUT /api/v1/namespaces/elsewhere/packages/x? {}', () => ow.packages.create('/elsewhere/x'), { fails: [403, denied('elsewhere/x')] })
await step('invoke one', none, () => ow.packages.invoke('tools'), { throws: 'Operation (invoke) not supported for rule resource.' })
await step('delete a binding', `DELETE ${N}/packages/bound`, () => ow.packages.delete('bound'), { is: pack('bound', bound) })

// Triggers and rules.
const trigger = (name, other = {}) => ({ annotations: [], limits: {}, name, namespace: 'guest', parameters: [], publish: false, updated: INT, version: '0.0.1', ...other })
const tick = trigger('tick', { annotations: [{ key: 'k', value: 1 }], parameters: [{ key: 'p', value: 'v' }] })
await step('create a trigger', `PUT ${N}/triggers/tick? {"annotations":[{"key":"k","value":1}],"parameters":[{"key":"p","value":"v"}]}`,
  () => ow.triggers.create({ name: 'tick', trigger: { parameters: [{ key: 'p', value: 'v' }] }, annotations: { k: 1 } }), { is: tick })
await step('create it again', `PUT ${N}/triggers/tick? {}`, () => ow.triggers.create({ triggerName: 'tick' }), { fails: [409, exists] })
await step('update it', `PUT ${N}/triggers/tick?overwrite=true {}`, () => ow.triggers.update({ name: 'tick' }), { is: { ...tick, version: '0.0.2' } })
await step('read it', `GET ${N}/triggers/tick`, () => ow.triggers.get('tick'), { is: { ...tick, version: '0.0.2' } })
await step('fire it without rules', `POST ${N}/triggers/tick? {}`, () => ow.triggers.invoke({ name: 'tick' }), { is: matcher('nothing', body => body.length === 0) })
const rule = (name, other = {}) => ({ action: { name: 'echo', path: 'guest/tools' }, annotations: [], name, namespace: 'guest', publish: false, status: 'active', trigger: { name: 'tick', path: 'guest' }, updated: INT, version: '0.0.1', ...other })
await step('create a rule', `PUT ${N}/rules/each? {"annotations":[{"key":"k","value":1}],"action":"/_/tools/echo","trigger":"/_/tick"}`,
  () => ow.rules.create({ name: 'each', action: 'tools/echo', trigger: 'tick', annotations: { k: 1 } }), { is: rule('each', { annotations: [{ key: 'k', value: 1 }] }) })
await step('create it again', `PUT ${N}/rules/each? {"action":"/_/hello","trigger":"/_/tick"}`, () => ow.rules.create({ ruleName: 'each', action: '/_/hello', trigger: '/_/tick' }), { fails: [409, exists] })
const each = rule('each', { version: '0.0.2', annotations: [{ key: 'k', value: 1 }] })
await step('update it', `PUT ${N}/rules/each?overwrite=true {"action":"/_/tools/echo","trigger":"/_/tick"}`, () => ow.rules.update({ name: 'each', action: 'tools/echo', trigger: 'tick' }), { is: each })
await step('read it', `GET ${N}/rules/each`, () => ow.rules.get('each'), { is: each })
const { status, ...line } = each
await step('list', `GET ${N}/rules?`, () => ow.rules.list(), { is: [line] })
await step('count', `GET ${N}/rules?count=true`, () => ow.rules.list({ count: true }), { is: { rules: 1 } })
await step('its trigger', `GET ${N}/triggers/tick`, () => ow.triggers.get('tick'), { is: { ...tick, version: '0.0.2', rules: { 'guest/each': { action: { name: 'echo', path: 'guest/tools' }, status: 'active' } } } })
const fired = await step('fire it', `POST ${N}/triggers/tick? {"n":1}`, () => ow.triggers.invoke({ name: 'tick', params: { n: 1 } }), { is: { activationId: ID } })
await step('disable the rule', `POST ${N}/rules/each? {"status":"inactive"}`, () => ow.rules.disable({ name: 'each' }), { is: 'OK' })
await step('read it', `GET ${N}/rules/each`, () => ow.rules.get('each'), { is: { ...each, status: 'inactive' } })
await step('fire it in vain', `POST ${N}/triggers/tick`, () => ow.triggers.invoke('tick'), { is: matcher('nothing', body => body.length === 0) })
await step('enable the rule', `POST ${N}/rules/each? {"status":"active"}`, () => ow.rules.enable({ name: 'each' }), { is: 'OK' })
await step('a rule without a trigger', `PUT ${N}/rules/no? {"action":"/_/hello","trigger":"/_/gone"}`, () => ow.rules.create({ name: 'no', action: 'hello', trigger: 'gone' }), { fails: [400, 'trigger /guest/gone does not exist'] })
await step('a rule without an action', `PUT ${N}/rules/no? {"action":"/_/gone","trigger":"/_/tick"}`, () => ow.rules.create({ name: 'no', action: 'gone', trigger: 'tick' }), { fails: [400, 'action /guest/gone does not exist'] })
await step("a rule on somebody else's", `PUT ${N}/rules/no? {"action":"/elsewhere/a","trigger":"/elsewhere/t"}`, () => ow.rules.create({ name: 'no', action: '/elsewhere/a', trigger: '/elsewhere/t' }), { fails: [403, denied('elsewhere/a, elsewhere/t')] })
await step('no action named', none, () => ow.rules.create({ name: 'no', trigger: 'tick' }), { throws: 'Missing mandatory action parameter from options.' })
await step('no trigger named', none, () => ow.rules.create({ name: 'no', action: 'hello' }), { throws: 'Missing mandatory trigger parameter from options.' })
await step('invoke one', none, () => ow.rules.invoke('each'), { throws: 'Operation (invoke) not supported for rule resource.' })
for (const [verb, run, body] of [['GET', 'get', ''], ['DELETE', 'delete', ''], ['POST', 'enable', '? {"status":"active"}'], ['POST', 'disable', '? {"status":"inactive"}']]) {
  await step(`${run} no rule`, `${verb} ${N}/rules/gone${body}`, () => ow.rules[run]({ name: 'gone' }), { fails: [404, missing] })
  await step(`${run} somebody else's`, `${verb} /api/v1/namespaces/elsewhere/rules/x${body}`, () => ow.rules[run]({ name: '/elsewhere/x' }), { fails: [403, denied('elsewhere/x')] })
}
await step("list somebody else's", 'GET /api/v1/namespaces/elsewhere/rules?', () => ow.rules.list({ namespace: 'elsewhere' }), { fails: [403, denied('elsewhere')] })
const { parameters, limits: noLimits, ...tickLine } = tick
await step('list triggers', `GET ${N}/triggers?`, () => ow.triggers.list(), { is: [{ ...tickLine, version: '0.0.2' }] })
await step('count', `GET ${N}/triggers?count=true`, () => ow.triggers.list({ count: true }), { is: { triggers: 1 } })
for (const [verb, run, body] of [['GET', 'get', ''], ['DELETE', 'delete', ''], ['POST', 'invoke', '? {}']]) {
  await step(`${run} no trigger`, `${verb} ${N}/triggers/gone${body}`, () => ow.triggers[run]({ name: 'gone' }), { fails: [404, missing] })
  await step(`${run} somebody else's`, `${verb} /api/v1/namespaces/elsewhere/triggers/x${body}`, () => ow.triggers[run]({ name: '/elsewhere/x' }), { fails: [403, denied('elsewhere/x')] })
}
await step("list somebody else's", 'GET /api/v1/namespaces/elsewhere/triggers?', () => ow.triggers.list({ namespace: 'elsewhere' }), { fails: [403, denied('elsewhere')] })
await step("create somebody else's", 'PUT /api/v1/namespaces/elsewhere/triggers/x? {}', () => ow.triggers.create({ name: '/elsewhere/x' }), { fails: [403, denied('elsewhere/x')] })

// Activations.
await eventually(() => ow.activations.get(activationId))
const done = record('hello', { b: 2, c: 3 }, { version: '0.0.2', logs: [LINE('stdout: hi')] })
await step('read a record', `GET ${N}/activations/${activationId}`, () => ow.activations.get(activationId), { is: { ...done, activationId } })
await step('its logs', `GET ${N}/activations/${activationId}/logs`, () => ow.activations.logs({ activationId }), { is: { logs: done.logs } })
await step('its result', `GET ${N}/activations/${activationId}/result`, () => ow.activations.result({ activation: activationId }), { is: done.response })
const fire = {
  activationId: fired.activationId, annotations: [], logs: [matcher('line of a rule', text => fits({ statusCode: 0, success: true, activationId: ID, rule: 'guest/each', action: 'guest/tools/echo' }, JSON.parse(text)))],
  name: 'tick', namespace: 'guest', publish: false, response: { result: { n: 1 }, status: 'success', success: true }, start: INT, subject: 'guest', version: '0.0.2'
}
await step('the record of a fire', `GET ${N}/activations/${fired.activationId}`, () => ow.activations.get({ name: fired.activationId }), { is: fire })
await step('list by name', `GET ${N}/activations?name=tick&limit=5`, () => ow.activations.list({ name: 'tick', limit: 5 }), {
  is: [{ activationId: fired.activationId, annotations: [], name: 'tick', namespace: 'guest', publish: false, start: INT, version: '0.0.2' }]
})
await step('list in whole', `GET ${N}/activations?name=tick&docs=true`, () => ow.activations.list({ name: 'tick', docs: true }), { is: [fire] })
await step('count', `GET ${N}/activations?name=hello&since=0&count=true`, () => ow.activations.list({ name: 'hello', since: 0, count: true }), { is: { activations: 3 } })
const unknown = '0'.repeat(32)
for (const [run, rest] of [['get', ''], ['logs', '/logs'], ['result', '/result']]) {
  await step(`${run} no record`, `GET ${N}/activations/${unknown}${rest}`, () => ow.activations[run](unknown), { fails: [404, missing] })
  await step(`${run} no id`, `GET ${N}/activations/x${rest}`, () => ow.activations[run]({ name: 'x' }), { fails: [400, 'Activation id length is 1 but must be 32.'] })
  await step(`${run} somebody else's`, `GET /api/v1/namespaces/elsewhere/activations/${unknown}${rest}`, () => ow.activations[run]({ name: unknown, namespace: 'elsewhere' }), { fails: [403, denied(`elsewhere/${unknown}`)] })
  await step(`${run} nothing`, none, () => ow.activations[run](), { throws: 'Missing mandatory activation parameter from options.' })
}
await step("list somebody else's", 'GET /api/v1/namespaces/elsewhere/activations?', () => ow.activations.list({ namespace: 'elsewhere' }), { fails: [403, denied('elsewhere')] })

// Feeds.
await step('a feed', `PUT ${N}/actions/tools/feed? ${JSON.stringify({ annotations: [{ key: 'feed', value: true }], ...code(echo) })}`, () => ow.actions.create({ name: 'tools/feed', action: echo, annotations: { feed: true } }),
  { is: action('feed', { namespace: 'guest/tools', annotations: [{ key: 'feed', value: true }, noKey, kindOf('nodejs:20')] }) })
for (const [run, lifecycleEvent] of [['create', 'CREATE'], ['get', 'READ'], ['update', 'UPDATE'], ['delete', 'DELETE']]) {
  const given = { lifecycleEvent, authKey: key, triggerName: '/_/tick' }
  await step(`${run} a feed`, `POST ${N}/actions/tools/feed?blocking=true ${JSON.stringify({ ...given, x: 1 })}`, () => ow.feeds[run]({ name: 'tools/feed', trigger: 'tick', params: { x: 1 } }),
    { is: record('feed', { p: 'v', ...given, x: 1 }, { path: 'guest/tools/feed' }) })
  await step(`${run} no feed`, `POST ${N}/actions/gone?blocking=true ${JSON.stringify(given)}`, () => ow.feeds[run]({ feedName: 'gone', trigger: '/_/tick' }), { fails: [404, missing] })
  await step(`${run} somebody else's`, `POST /api/v1/namespaces/elsewhere/actions/x?blocking=true ${JSON.stringify(given)}`, () => ow.feeds[run]({ name: '/elsewhere/x', trigger: 'tick' }), { fails: [403, denied('elsewhere/x')] })
  await step(`${run} without a name`, none, () => ow.feeds[run]({ trigger: 'tick' }), { throws: 'Missing mandatory feedName or id parameters from options.' })
  await step(`${run} without a trigger`, none, () => ow.feeds[run]({ name: 'x' }), { throws: 'Missing mandatory trigger parameter from options.' })
}

// Namespaces, and what the objects use themselves.
await step('namespaces', 'GET /api/v1/namespaces', () => ow.namespaces.list(), { is: ['guest'] })
const names = of => matcher(of.join(' '), found => fits(of, found.map(({ name }) => name)))
await step('a namespace', ['actions', 'packages', 'triggers', 'rules'].map(of => `GET ${N}/${of}`), () => ow.namespaces.get(), {
  is: { actions: names(['feed', 'echo', 'seq', 'fail', 'hello']), packages: names(['tools']), triggers: names(['tick']), rules: names(['each']) }
})
for (const [name, object] of Object.entries({ activations: ow.activations, namespaces: ow.namespaces })) {
  object.resource = name
  const path = `namespaces/_/${name}/x`
  compare(name, 'path', path, object.resourcePath('_', 'x'))
  compare(name, 'namespace', 'a%20b', object.namespace({ namespace: 'a b' }))
  compare(name, 'query', { a: 1 }, object.qs({ a: 1, b: 2 }, ['a', 'c']))
  const fails = name === 'activations' ? [400, 'Activation id length is 1 but must be 32.'] : [404, 'The requested resource could not be found.']
  await step(`${name}.request`, `GET /api/v1/${path}`, () => object.request({ method: 'GET', id: 'x' }), { fails })
}
for (const [name, object] of Object.entries({ packages: ow.packages, rules: ow.rules })) {
  compare(name, 'payload', { a: 1 }, object.payload({ params: { a: 1 } }))
}

// The end of each.
await step('delete the trigger', `DELETE ${N}/triggers/tick`, () => ow.triggers.delete('tick'), { is: { ...tick, version: '0.0.2', rules: { 'guest/each': { action: { name: 'echo', path: 'guest/tools' }, status: 'active' } } } })
await step('its rule stays', `GET ${N}/rules/each`, () => ow.rules.get('each'), { is: { ...each, status: 'inactive' } })
await step('which cannot be enabled', `POST ${N}/rules/each? {"status":"active"}`, () => ow.rules.enable({ name: 'each' }), { fails: [404, 'Only rules with existing triggers can be activated'] })
await step('delete the rule', `DELETE ${N}/rules/each`, () => ow.rules.delete('each'), { is: { ...each, status: 'inactive' } })
await step('delete the sequence', `DELETE ${N}/actions/seq`, () => ow.actions.delete({ name: 'seq' }), { is: sequence })

recorder.close()
recorder.closeAllConnections()
const unexercised = [...all].filter(name => !called.has(name))
console.log(JSON.stringify({ methods: all.size, comparisons, unexercised, wrong }))
