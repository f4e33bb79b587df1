// What is said of a term, of a column of terms, and of the terms that need a look.
"use strict";

const details = document.getElementById("details");
const alarms = document.getElementById("alarms");
const MOST_ALARMS = 100;

function tag(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text; // never as HTML: holders may say anything
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function shape(outcome) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1.2 -1.2 2.4 2.4");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", given.looks[outcome].path);
  path.classList.add(outcome);
  svg.append(path);
  return svg;
}

function lasted(ms) {
  if (ms < 120000) return `${Math.round(ms / 1000)} s`;
  const minutes = Math.round(ms / 60000);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

function many(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

function describe(title, rows) {
  const terms = tag("dl");
  for (const [name, value, kind] of rows) {
    if (value === null || value === undefined || value === "") continue;
    const shown = tag("dd", kind === "mark" ? undefined : value, kind === "code" ? { class: "code" } : {});
    if (kind === "mark") {
      shown.className = "mark";
      shown.append(shape(value), given.looks[value].label);
    }
    terms.append(tag("dt", name), shown);
  }
  const heading = document.getElementById("details-title");
  if (heading.textContent === title && details.textContent === terms.textContent) return; // not announced again
  heading.textContent = title;
  details.replaceChildren(terms);
}

function describeTerm(term) {
  const { terms } = ledger, { i } = term, open = term.o === "held" || term.o === "lapsed";
  const before = drawn[i - 1], after = drawn[i + 1], leg = terms.leg[i] > 1 || term.o === "continued";
  const late = term.k === null ? "" : ` (${lasted(Math.max(0, term.s - term.k))} after its tick)`;
  const takeover = before && ["deposed", "lapsed"].includes(before.o) && before.t === term.t - 1;
  describe(`Term ${term.t}`, [
    ["outcome", term.o, "mark"],
    ["why", terms.reason[i]],
    ["holder", terms.holder[i] ?? "unnamed (a lock of the original scheme)", "code"],
    ["tick", term.k === null ? "none" : `${utc(term.k)}Z, attempt ${terms.attempt[i]}${leg ? `, leg ${terms.leg[i]}` : ""}`],
    ["started", term.o === "corrupt" ? null : `${utc(term.s)}Z${late}`],
    [open ? "last seen" : "ended", term.o === "corrupt" ? null : `${utc(term.e)}Z`],
    ["lasted", term.o === "corrupt" ? null : lasted(term.e - term.s) + (open ? " so far" : "")],
    ["took over", takeover ? `from term ${before.t}, which was ${given.looks[before.o].label}` : null],
    ["goes on in", after && term.o === "continued" && after.k === term.k ? `term ${after.t}, leg ${terms.leg[i + 1]}` : null],
    ["led again", terms.repeat[i]],
    ["lease", terms.lease[i] === null ? null : `${lasted(terms.lease[i])}, ${many(terms.renewals[i], "renewal")}`],
    ["state", terms.state[i], "code"],
  ]);
}

function describeColumn(item) {
  const { n: count, s, e, o } = item.datum;
  describe(many(count, "term"), [
    ["outcome", o, "mark"],
    ["contender", ledger.groups[item.datum.g]],
    ["first started", `${utc(s)}Z`],
    ["last ended", `${utc(e)}Z`],
    ["to see each", "click, or zoom in"],
  ]);
}

function describeTick(item, missed) {
  const { k, last, n: count } = item.datum;
  const times = last > k ? `${utc(k)}Z to ${utc(last)}Z` : `${utc(k)}Z`;
  describe(missed ? (count > 1 ? `${count} missed ticks` : "Missed tick") : "Tick", [
    ["scheduled", times],
    ["state", missed ? "no term was led for it" : item.datum.d ? "completed" : "not completed"],
    ["schedule", ledger.schedule],
  ]);
}

function describeNothing() {
  document.getElementById("details-title").textContent = "Term";
  const how = drawn.length ? "Point at a bar, or press an arrow key in the chart." : "This election has no term yet.";
  details.replaceChildren(tag("p", how, { class: "none" }));
}

// The newest first: failed, deposed, lapsed and corrupt terms, and missed ticks, of what is in sight.
function alarmsInSight() {
  const [from, to] = view.signal("domain");
  const terms = listed.filter((term) => term.a && term.e >= from && term.s <= to);
  const ticks = [];
  for (const k of ledger.missed.filter((tick) => tick >= from && tick <= to)) {
    const last = ticks.at(-1), led = positionAt(drawn, k);
    if (last && last.led === led) Object.assign(last, { e: k, missed: last.missed + 1 }); // no term in between
    else ticks.push({ missed: 1, s: k, e: k, led });
  }
  return [...terms, ...ticks].sort((one, other) => other.s - one.s);
}

// Return the position of the last of `terms` that started by then.
function positionAt(terms, moment) {
  let low = 0, high = terms.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (terms[middle].s <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function listAlarms() {
  const found = alarmsInSight(), [from, to] = view.signal("domain");
  document.getElementById("section").textContent = `shown: ${utc(from)} to ${utc(to)} UTC`;
  const title = document.getElementById("alarms-title");
  title.textContent = `Needs a look in this section: ${found.length || "nothing"}`;
  const table = tag("table"), body = tag("tbody"), head = tag("tr");
  for (const name of ["term", "what", "when (UTC)", "why"]) head.append(tag("th", name, { scope: "col" }));
  for (const each of found.slice(0, MOST_ALARMS)) body.append(alarmRow(each));
  table.append(tag("thead"), body);
  table.tHead.append(head);
  const rest = found.length - MOST_ALARMS;
  const more = rest > 0 ? [tag("p", `and ${rest.toLocaleString("en")} earlier: zoom in to list them`, { class: "none" })] : [];
  alarms.replaceChildren(...(found.length ? [table, ...more] : []));
}

function alarmRow(each) {
  const row = tag("tr"), what = tag("td"), tick = each.missed !== undefined;
  const label = tick ? (each.missed > 1 ? many(each.missed, "missed tick") : "missed tick") : given.looks[each.o].label;
  what.append(shape(tick ? "missed" : each.o), ` ${label}`);
  const why = !tick ? ledger.terms.reason[each.i] : each.e > each.s ? `no term was led until ${utc(each.e)}` : "no term was led for it";
  row.append(tag("td", each.t ?? "–"), what, tag("td", utc(each.s)), tag("td", why ?? ""));
  row.setAttribute("aria-selected", String(chosen !== null && each.t === chosen.t));
  row.addEventListener("click", () => (tick ? reveal(each.s, each.e) : choose(each)));
  return row;
}
