// What is missing among the numbers of producers (format.md, section 6), by the same rules as the server.

import { micros, written } from "./time.js";

const MAX_PRODUCERS = 20_000;
const MAX_RUNS = 10_000;
const MAX_RUNS_IN_ALL = 200_000;

/** The first run that begins above a number. */
function above(runs, number) {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle].first.number <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

const neighbour = (arrival) => ({ seq: arrival.seq, time: written(arrival.us) });

export class Numbers {
  /** Id to runs without holes, rising; null for a producer whose numbers say nothing. */
  #producers = new Map();
  #runs = 0;
  #moreEvents = 0;
  /** Whether a number was too large for this language, so that nothing can be said about gaps. */
  isUnsafe = false;

  /** Takes note of a record, in the order of the log. */
  add(seq, record) {
    const producer = record.producer?.id;
    const number = record.producer?.seq;
    if (typeof producer !== "string" || typeof number !== "number" || number < 0) return;
    if (!Number.isSafeInteger(number)) {
      this.isUnsafe = true;
      return;
    }
    if (!this.#producers.has(producer)) {
      if (this.#producers.size >= MAX_PRODUCERS) {
        this.#moreEvents += 1;
        return;
      }
      this.#producers.set(producer, []);
    }
    const runs = this.#producers.get(producer);
    if (runs === null) return;
    const before = runs.length;
    const room = Math.min(MAX_RUNS, before + Math.max(0, MAX_RUNS_IN_ALL - this.#runs));
    const arrival = { number, seq, us: micros(record.time) ?? 0n };
    const after = above(runs, number);
    const left = runs[after - 1];
    const right = runs[after];
    if (left && number <= left.last.number) return;
    const joinsLeft = left && left.last.number + 1 === number;
    const joinsRight = right && right.first.number === number + 1;
    if (joinsLeft && joinsRight) {
      left.last = right.last;
      runs.splice(after, 1);
    } else if (joinsLeft) {
      left.last = arrival;
    } else if (joinsRight) {
      right.first = arrival;
    } else if (before < room) {
      runs.splice(after, 0, { first: arrival, last: arrival });
    } else {
      this.#runs -= before;
      this.#producers.set(producer, null);
      return;
    }
    this.#runs += runs.length - before;
  }

  /** Every gap, by producer and number. */
  gaps() {
    const gaps = [];
    // Ids are ordered by their UTF-8, as code points are.
    const ids = [...this.#producers.keys()].sort((a, b) => compare(a, b));
    for (const producer of ids) {
      const runs = this.#producers.get(producer);
      if (runs === null) {
        gaps.push({ producer, scattered: true });
        continue;
      }
      let last = null;
      for (const run of runs) {
        const from = last === null ? 0 : last.number + 1;
        const to = run.first.number - 1;
        if (from <= to) {
          gaps.push({ producer, from, to, after: last && neighbour(last), before: neighbour(run.first) });
        }
        last = run.last;
      }
    }
    if (this.#moreEvents > 0) gaps.push({ more_events: this.#moreEvents });
    return gaps;
  }

  /** Whether these events show that a gap is not one. */
  contradict(gap) {
    const runs = this.#producers.get(gap.producer);
    if (!runs || typeof gap.from !== "number") return false;
    if (runs.some((run) => run.first.number <= gap.to && gap.from <= run.last.number)) return true;
    const isOther = (told, arrival) => Boolean(told && arrival) && !sameJson(told, neighbour(arrival));
    const after = runs.find((run) => run.last.number === gap.from - 1)?.last;
    const before = runs.find((run) => run.first.number === gap.to + 1)?.first;
    return isOther(gap.after, after) || isOther(gap.before, before);
  }
}

function compare(a, b) {
  const [one, other] = [[...a], [...b]];
  for (let i = 0; i < Math.min(one.length, other.length); i += 1) {
    const difference = one[i].codePointAt(0) - other[i].codePointAt(0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

/** Whether two values are the same JSON, whatever the order of members. */
export function sameJson(one, other) {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && sameJson(one[name], other[name]));
}
