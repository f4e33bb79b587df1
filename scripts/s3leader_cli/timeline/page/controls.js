// What a reader does: point, press keys, filter. And a live page's polling.
"use strict";

function choose(term) {
  chosen = term;
  if (term === null) describeNothing();
  else describeTerm(term);
  view.data("selected", term === null ? [] : [{ ...term }]);
  return term === null ? view.runAsync() : reveal(term.s, term.e);
}

// Choose the next term in a direction; without a chosen one, the first or last in sight.
function step(direction, wanted = () => true) {
  const [from, to] = view.signal("domain");
  let at = positionAt(listed, chosen ? chosen.s : direction > 0 ? from - 1 : to);
  // Terms that started in the same second have the order of their numbers.
  if (chosen) while (at >= 0 && listed[at].i >= chosen.i + (direction > 0 ? 1 : 0)) at -= 1;
  if (direction > 0) at += 1;
  for (; at >= 0 && at < listed.length; at += direction) {
    if (wanted(listed[at])) return choose(listed[at]);
  }
  return undefined;
}

const keys = {
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowDown: () => step(1, (term) => term.a),
  ArrowUp: () => step(-1, (term) => term.a),
  Home: () => listed.length && choose(listed[0]),
  End: () => listed.length && choose(listed.at(-1)),
  Enter: () => zooms.term(),
  Escape: () => choose(null),
  "+": zooms.in,
  "=": zooms.in,
  "-": zooms.out,
  0: zooms.all,
};

element.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const panned = { ArrowLeft: zooms.earlier, ArrowRight: zooms.later }[event.key];
  const action = event.shiftKey && panned ? panned : keys[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
});

for (const button of document.querySelectorAll("#zoom button")) {
  button.addEventListener("click", () => zooms[button.dataset.do]());
}

let typing;
document.getElementById("find").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    filters.needle = event.target.value.trim().toLowerCase();
    applyFilters().then(listAlarms);
  }, 150);
});
document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());

// A button for each outcome that occurs: it shows and hides, and is the legend.
function showOutcomes() {
  const counts = ledger.outcomes.map(() => 0);
  for (const outcome of ledger.terms.outcome) counts[outcome] += 1;
  if (String(counts) === showOutcomes.last) return; // a button that has the focus keeps it
  showOutcomes.last = String(counts);
  const buttons = ledger.outcomes.flatMap((outcome, index) => {
    if (!counts[index]) return [];
    const button = tag("button", undefined, { type: "button", "aria-pressed": String(filters.shown[outcome]) });
    button.append(shape(outcome), `${given.looks[outcome].label} ${counts[index].toLocaleString("en")}`);
    button.addEventListener("click", () => {
      filters.shown[outcome] = !filters.shown[outcome];
      button.setAttribute("aria-pressed", String(filters.shown[outcome]));
      applyFilters().then(listAlarms);
    });
    return [button];
  });
  document.getElementById("outcomes").replaceChildren(...buttons);
}

function showHeader() {
  const count = drawn.length;
  const parts = [many(count, "term"), ledger.missed.length ? many(ledger.missed.length, "missed tick") : ""];
  if (count) parts.push(`${utc(drawn[0].s, { seconds: false })} to ${utc(drawn[count - 1].e, { seconds: false })} UTC`);
  if (ledger.older) parts.push(`${many(ledger.older, "older term")} not shown`);
  parts.push(ledger.schedule ?? "", `as of ${utc(ledger.generated_at)}Z`);
  document.getElementById("election").textContent = ledger.election;
  document.getElementById("about").textContent = parts.filter(Boolean).join(" · ");
}

function refresh(timeline) {
  const loaded = load(timeline);
  showHeader();
  showOutcomes();
  if (chosen) describeTerm(chosen);
  else if (!details.firstChild) describeNothing();
  listAlarms();
  return loaded;
}

async function follow(address) {
  const line = document.getElementById("live");
  line.hidden = false;
  try {
    const { ended, timeline } = await (await fetch(address, { cache: "no-store" })).json();
    line.textContent = ended ? "ended" : "live";
    line.classList.toggle("ended", ended);
    if (timeline.generated_at !== ledger.generated_at) await refresh(timeline);
    if (ended) return;
  } catch {
    line.textContent = "the demo has stopped; this is what it showed last";
    line.classList.add("ended");
    return;
  }
  setTimeout(() => follow(address), 1000);
}

function startPointing() {
  view.addEventListener("pointermove", (_event, item) => {
    const name = item?.mark.name;
    if (name === "column") describeColumn(item);
    else if (["bar", "alarm", "shape"].includes(name)) describeTerm(drawn[item.datum.i]);
    else if (name === "tick" || name === "missed_tick") describeTick(item, name === "missed_tick");
    else if (chosen) describeTerm(chosen);
  });
  view.addEventListener("click", (_event, item) => {
    const name = item?.mark.name;
    if (["bar", "alarm", "shape"].includes(name)) choose(drawn[item.datum.i]);
    else if (name === "column") show(item.datum.s - 20 * 3 / view.signal("per_ms"), item.datum.e + 20 * 3 / view.signal("per_ms"));
  });
  view.addSignalListener("domain", () => {
    clearTimeout(listAlarms.timer);
    listAlarms.timer = setTimeout(listAlarms, 120);
  });
}

async function start() {
  await startChart();
  startPointing();
  await refresh(ledger);
  document.documentElement.dataset.ready = "yes";
  if (given.live) follow(given.live);
}

start();
