// performance and the module `perf_hooks`: now, timeOrigin, mark, measure and their entries.
//
// The origin of time is the first moment anything is asked, for the library itself is evaluated
// long before. Left out: PerformanceObserver, histograms and event loop figures.
'use strict';

const { codes } = require('internal/errors');
const { EventTarget, inspectAs, tag } = require('internal/event_target');

const customInspect = Symbol.for('nodejs.util.inspect.custom');

let origin;
function startOfTime() {
  origin ??= { wall: host.now(), monotonic: host.hrtime() };
  return origin;
}

/** Milliseconds since the origin of time. */
function now() {
  const { monotonic } = startOfTime();
  return Number(host.hrtime() - monotonic) / 1e6;
}

class PerformanceEntry {
  constructor(name, entryType, startTime, duration, detail) {
    Object.assign(this, { name, entryType, startTime, duration });
    if (detail !== undefined) this.detail = detail;
  }

  toJSON() { return { ...this }; }

  [customInspect](depth, options) {
    return inspectAs(this.constructor.name, { ...this }, depth, options);
  }
}
class PerformanceMark extends PerformanceEntry {
  constructor(name, options = {}) {
    if (arguments.length === 0) throw codes.ERR_MISSING_ARGS('name');
    const { startTime = now(), detail = null } = options ?? {};
    super(`${name}`, 'mark', startTime, 0, detail);
  }
}
class PerformanceMeasure extends PerformanceEntry {}

let entries = [];

function keep(entry) {
  entries.push(entry);
  entries.sort((a, b) => a.startTime - b.startTime);
  return entry;
}

/** The moment that a measure begins or ends at: a mark's name or a number. */
function momentOf(mark, fallback) {
  if (mark === undefined) return fallback;
  if (typeof mark === 'number') return mark;
  const found = entries.findLast((one) => one.entryType === 'mark' && one.name === `${mark}`);
  if (found !== undefined) return found.startTime;
  throw new DOMException(`The "${mark}" performance mark has not been set`, 'SyntaxError');
}

const isOptions = (value) => value !== null && typeof value === 'object';

class Performance extends EventTarget {
  now() { return now(); }
  get timeOrigin() { return startOfTime().wall; }

  mark(name, options) {
    return keep(new PerformanceMark(...arguments));
  }

  measure(name, startOrOptions, endMark) {
    if (arguments.length === 0) throw codes.ERR_MISSING_ARGS('name');
    const options = isOptions(startOrOptions) ? startOrOptions
      : { start: startOrOptions, end: endMark };
    const { duration, detail = null } = options;
    let end = momentOf(options.end, undefined);
    const start = momentOf(options.start, duration === undefined || end === undefined
      ? 0 : end - duration);
    end ??= duration === undefined ? now() : start + duration;
    return keep(new PerformanceMeasure(`${name}`, 'measure', start, end - start, detail));
  }

  clearMarks(name) { this.#clear('mark', name); }
  clearMeasures(name) { this.#clear('measure', name); }
  #clear(type, name) {
    entries = entries.filter((one) => one.entryType !== type
      || (name !== undefined && one.name !== `${name}`));
  }

  getEntries() { return entries.slice(); }
  getEntriesByName(name, type) {
    return entries.filter((one) => one.name === `${name}`
      && (type === undefined || one.entryType === type));
  }
  getEntriesByType(type) { return entries.filter((one) => one.entryType === type); }

  eventLoopUtilization() { return { idle: 0, active: 0, utilization: 0 }; }

  timerify(fn) {
    if (typeof fn !== 'function') throw codes.ERR_INVALID_ARG_TYPE('fn', 'function', fn);
    return fn;
  }

  toJSON() { return { timeOrigin: this.timeOrigin, eventLoopUtilization: this.eventLoopUtilization() }; }

  [customInspect](depth, options) {
    return inspectAs('Performance', { timeOrigin: this.timeOrigin }, depth, options);
  }
}
tag(Performance);

const performance = new Performance();
const unavailable = (name) => function missing() { throw host.unavailable(`perf_hooks.${name}`); };

module.exports = {
  performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  PerformanceObserver: unavailable('PerformanceObserver'),
  monitorEventLoopDelay: unavailable('monitorEventLoopDelay'),
  createHistogram: unavailable('createHistogram'),
  constants: {},
};
