// The chart: data, Vega views, zoom and theme. The specification says what is drawn.
"use strict";

const given = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const element = document.getElementById("chart");
const LEtrue_SPAN = 5000; // milliseconds on the whole axis, as in the specification

let ledger = given.timeline; // columns; a live page replaces it
let drawn = []; // an object for each term, as the specification takes it
let listed = []; // those that the filters let through, in order
let chosen = null; // one of `drawn`
const filters = { shown: Object.fromEntries(ledger.outcomes.map((name) => [name, true])), needle: "" };

let view; // what the screen shows
let paper; // what the printer gets: vectors, in the light colours; empty until then

async function embed(where, renderer) {
  const options = { mode: "vega", renderer, actions: false, hover: false, tooltip: false, defaultStyle: false, ast: true };
  return (await vegaEmbed(where, given.spec, options)).view;
}

function utc(ms, { seconds = true } = {}) {
  return new Date(ms).toISOString().slice(0, seconds ? 19 : 16).replace("T", " ");
}

function readTerms() {
  const terms = ledger.terms;
  drawn = terms.term.map((number, i) => {
    const outcome = ledger.outcomes[terms.outcome[i]];
    const tick = terms.tick[i] === null ? "" : new Date(terms.tick[i]).toISOString().slice(0, 19);
    const words = [`#${number} `, terms.holder[i] ?? "unnamed", tick, tick.replace("T", " "), terms.reason[i] ?? ""];
    return {
      i, t: number, s: terms.start[i], e: terms.end[i], o: outcome, a: given.looks[outcome].alarming,
      g: terms.group[i], k: terms.tick[i], n: 1, h: words.join("\n").toLowerCase(),
    };
  });
}

function dataSets() {
  const links = ledger.links.map(([from, to, kind]) => {
    const here = drawn[from], there = drawn[to];
    return { s: here.e, e: there.s, g: here.g, h: there.g, o: here.o, p: there.o, kind };
  });
  return {
    terms: drawn.map((term) => ({ ...term })), // Vega adds to what it is given
    missed: ledger.missed.map((k) => ({ k })),
    links,
    groups: ledger.groups.map((name, g) => ({ g, name })),
    selected: chosen ? [{ ...chosen }] : [],
  };
}

function labelWidth() {
  const longest = Math.max(5, ...ledger.groups.map((name) => name.length));
  return Math.min(24 + 7.2 * longest, 260, element.clientWidth / 4);
}

function fill(target, width, theme) {
  const sets = dataSets();
  for (const name of Object.keys(sets)) target.data(name, sets[name]);
  return target
    .signal("theme", given.themes[theme]).signal("range", ledger.range)
    .signal("shown", { ...filters.shown }).signal("needle", filters.needle)
    .signal("left", labelWidth()).signal("width", width);
}

function list() {
  const { shown, needle } = filters;
  listed = drawn.filter((term) => shown[term.o] && (needle === "" || term.h.includes(needle)));
  document.getElementById("empty").hidden = listed.length > 0 || drawn.length === 0;
}

function draw() {
  return view.resize().runAsync();
}

// A live page follows new terms, as long as nobody has zoomed.
function load(timeline) {
  const old = ledger.range, seen = view.signal("domain");
  const whole = seen[0] <= old[0] && seen[1] >= old[1];
  const number = chosen?.t;
  ledger = timeline;
  readTerms();
  list();
  chosen = number === undefined ? null : drawn.find((term) => term.t === number) ?? null;
  fill(view, element.clientWidth, dark.matches ? "dark" : "light");
  view.signal("domain", whole || old === timeline.range ? timeline.range : seen);
  return draw();
}

function applyFilters() {
  list();
  view.signal("shown", { ...filters.shown }).signal("needle", filters.needle);
  return draw();
}

// Show a section of time, as long as it lies within the ledger.
function show(start, end) {
  const [first, last] = ledger.range;
  const span = Math.min(Math.max(end - start, LEtrue_SPAN), last - first);
  const from = Math.min(Math.max((start + end - span) / 2, first), last - span);
  return view.signal("domain", [from, from + span]).runAsync();
}

function reveal(start, end) {
  const [from, to] = view.signal("domain"), span = to - from;
  if (start >= from && end <= to) return view.runAsync();
  const middle = (start + end) / 2;
  return show(middle - span / 2, middle + span / 2);
}

const zooms = {
  in: () => view.signal("zoom", { anchor: chosenInSight(), factor: 0.5 }).runAsync(),
  out: () => view.signal("zoom", { anchor: chosenInSight(), factor: 2 }).runAsync(),
  earlier: () => view.signal("pan", -0.25).runAsync().then(() => view.signal("pan", 0)),
  later: () => view.signal("pan", 0.25).runAsync().then(() => view.signal("pan", 0)),
  all: () => show(...ledger.range),
  term: () => chosen && show(chosen.s - 3 * (chosen.e - chosen.s) - 5000, chosen.e + 3 * (chosen.e - chosen.s) + 5000),
};

function chosenInSight() {
  const [from, to] = view.signal("domain");
  return chosen && chosen.s >= from && chosen.e <= to ? (chosen.s + chosen.e) / 2 : null;
}

function drawForPaper() {
  fill(paper, 1060, "light").signal("domain", view.signal("domain")).run();
}

element.addEventListener("wheel", (event) => {
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (!sideways) return;
  event.preventDefault();
  view.signal("pan", sideways / view.signal("plot")).runAsync().then(() => view.signal("pan", 0));
}, { passive: false });

async function startChart() {
  view = await embed(element, "canvas");
  paper = await embed(document.getElementById("printed"), "svg");
  new ResizeObserver(() => {
    if (element.clientWidth === view.signal("width")) return;
    view.signal("width", element.clientWidth).signal("left", labelWidth());
    draw();
  }).observe(element);
  dark.addEventListener("change", () => view.signal("theme", given.themes[dark.matches ? "dark" : "light"]).runAsync());
  addEventListener("beforeprint", drawForPaper);
}
