// What a record says, in words: from its own members and nothing else.

const NUMBER = new Intl.NumberFormat();

/** A whole number, its digits grouped in the reader's way. */
export function grouped(number) {
  return NUMBER.format(number);
}

/** The same with its thing, in one or many. */
export function countOf(number, one, many) {
  return `${grouped(number)} ${BigInt(number) === 1n ? one : many}`;
}

const isText = (value) => typeof value === "string" && value !== "";

/** What happened and to what, as each source says it best. */
export function whatHappened(record) {
  const resource = record.resource ?? {};
  const name = [resource.name, resource.id].find(isText) ?? null;
  if (record.action === "tools/call" && isText(resource.id)) return { action: resource.id, resource: null };
  // The name of a host or a model is often in the action already.
  const isTold = name !== null && String(record.action).includes(name);
  return { action: String(record.action), resource: isTold ? null : name };
}

/** A person's or program's name, else its id. */
export function nameOf(who) {
  return [who?.name, who?.id].find(isText) ?? null;
}

/** Whether it was allowed, by whom and by which rule; null if nobody was asked. */
export function approvalOf(record) {
  const approval = record.approval;
  if (typeof approval !== "object" || approval === null) return null;
  return {
    word: approval.decision === "denied" ? "Denied" : "Allowed",
    by: isText(approval.approver) ? approval.approver : null,
    rule: isText(approval.rule) ? approval.rule : null,
  };
}

/** When it happened, in the reader's zone; as written if that is not a time. */
export function when(time) {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return String(time);
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" }).format(at);
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" }).format(at);
  return `${day}, ${clock}`;
}

/** A day and month for what was noted here. */
export function dayOf(ms) {
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" }).format(new Date(ms));
}

export function clockOf(ms) {
  return new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(ms));
}

/** How long it took; null if nobody said. */
export function duration(us) {
  if (typeof us !== "number" || us < 0) return null;
  if (us < 1_000) return `${us} µs`;
  if (us < 999_500) return `${Math.round(us / 1_000)} ms`;
  if (us < 59_950_000) return `${(us / 1_000_000).toFixed(1)} s`;
  const seconds = Math.round(us / 1_000_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} m`;
}

/** What it cost. A call that was not priced is not one that cost nothing. */
export function cost(usage) {
  if (typeof usage !== "object" || usage === null) return "no cost";
  if (typeof usage.cost_nanousd !== "number") return "unpriced";
  const dollars = usage.cost_nanousd / 1e9;
  if (dollars === 0) return "$0";
  return dollars >= 1 ? `$${dollars.toFixed(2)}` : `$${Number(dollars.toPrecision(4))}`;
}
