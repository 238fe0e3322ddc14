// The page of a sweep: what is looked at, the trial that is chosen, the table. All views show the same trials.
"use strict";
(() => {
  const { byId, made, say, colour } = shared;
  const { data, columns, objectives, axes, measured } = trials;
  const ROWS = 50; // of the table at once
  const NEAR = 24; // pixels between a pointer and what it means

  let chosen = null; // places of trials, not their numbers
  let hovered = null;

  // -- the plane -----------------------------------------------------------------------------

  const base = byId("points");
  const over = byId("points-over");
  const large = plane.make(base);
  const paired = objectives.length > 1;
  const view = { x: paired ? objectives[1] : columns[0], y: objectives[0], xLog: false, yLog: false, tone: null };
  for (const side of ["x", "y"]) view[`${side}Log`] = view[side].wide || false;

  const pairs = objectives.length < 3 ? [] : objectives.flatMap((y, k) => objectives.slice(k + 1).map((x) => {
    const node = made("canvas", { "aria-hidden": "true" });
    const title = `${y.label} against ${x.label}`;
    const button = made("button", { type: "button", kind: "pair", "aria-label": title }, made("span", { text: title }), node);
    button.addEventListener("click", () => look({ x, y, xLog: x.wide, yLog: y.wide }));
    return { x, y, button, plane: plane.make(node, { small: true }) };
  }));
  byId("pairs").append(...pairs.map((pair) => pair.button));

  function paint(radius) { // how trials look: the front apart from others, or by what they have in a column
    const { tone } = view;
    const outside = canvas.dot(colour("faded"), radius * 0.8);
    if (!tone) {
      const strokes = ["c0", "c1"].map(colour);
      return { dots: [canvas.dot(strokes[0], radius), canvas.dot(strokes[1], radius * 1.5)], strokes, of: (i) => trials.isFront[i], outside, outsideStroke: colour("faded"), best: canvas.dot(strokes[1], radius * 1.5) };
    }
    const strokes = canvas.shades();
    const full = tone.kind === "axis" ? canvas.scale(0, Math.max(1, tone.labels.length - 1)) : canvas.scale(tone.low, tone.high, tone.wide);
    return { dots: strokes.map((one) => canvas.dot(one, radius)), strokes, of: (i) => canvas.bin(full.at(tone.values[i])), outside, outsideStroke: colour("faded"), best: null };
  }

  const orders = new Map(); // of a pair of columns; sorting is what takes long
  function order(x, y) {
    const key = `${columns.indexOf(x)} ${columns.indexOf(y)}`;
    if (!orders.has(key)) orders.set(key, trials.ordered(x, y));
    return orders.get(key);
  }

  function draw() { // everything
    if (!measured.length) return;
    follow();
    canvas.later("all ways", parallel.all(paint(1)));
    drawPairs();
  }

  function follow() { // what follows a hand that drags a range
    const look = paint(measured.length > 2000 ? 2.2 : 3);
    canvas.later("plane", large.drawn({ ...view, order: order(view.x, view.y), paint: look }));
    canvas.later("ways", parallel.drawn(look));
    canvas.later("marks", marks());
  }

  function drawPairs() {
    const look = paint(1.4);
    pairs.forEach(({ x, y, plane: small }, k) => {
      canvas.later(`pair ${k}`, small.drawn({ x, y, xLog: x.wide, yLog: y.wide, order: order(x, y), paint: look }));
    });
  }

  function* marks() { // rings around what is chosen and what the pointer is at
    const { pen } = canvas.surface(over);
    for (const [i, name] of [[hovered, "soft"], [chosen, "ink"]]) {
      if (i === null || !trials.isMeasured[i]) continue;
      const [x, y] = large.place(i);
      pen.lineWidth = 2.5;
      pen.strokeStyle = colour(name);
      pen.beginPath();
      pen.arc(x, y, 8, 0, 2 * Math.PI);
      pen.stroke();
    }
    parallel.mark([hovered, "soft"], [chosen, "ink"]);
    yield;
  }

  function look(change) { // at other columns, or in other colours
    Object.assign(view, change);
    for (const side of ["x", "y"]) {
      const box = byId(`${side}-log`);
      box.disabled = !view[side].canLog;
      view[`${side}Log`] = view[`${side}Log`] && view[side].canLog;
      box.checked = view[`${side}Log`];
      byId(side).value = String(columns.indexOf(view[side]));
    }
    for (const { x, y, button } of pairs) button.setAttribute("aria-pressed", String(x === view.x && y === view.y));
    legend();
    draw();
  }

  function legend() {
    const { tone, x, y } = view;
    const items = tone
      ? [made("li", {}, made("span", { text: tone.kind === "axis" ? tone.labels[0] : canvas.spell(tone.low) }), ramp(), made("span", { text: tone.kind === "axis" ? tone.labels.at(-1) : canvas.spell(tone.high) }))]
      : [made("li", { text: objectives.length > 1 ? "on the front: none is better in everything" : "the best", kind: "of-front" }), made("li", { text: "other trials", kind: "of-others" })];
    if (trials.ranges.size) items.push(made("li", { text: "outside of the ranges", kind: "of-outside" }));
    if (y.kind === "objective" && x.kind !== "axis") {
      items.push(made("li", { text: x.kind === "trial" ? "best so far" : "front of these two", kind: "of-line" }));
    }
    byId("key").replaceChildren(...items);
  }

  function ramp() {
    const node = made("canvas", { kind: "ramp", width: String(canvas.BINS * 8), height: "10", role: "img", "aria-label": "to" });
    const pen = node.getContext("2d");
    canvas.shades().forEach((shade, k) => {
      pen.fillStyle = shade;
      pen.fillRect(8 * k, 0, 8, 10);
    });
    return node;
  }

  function hover(i, near) {
    const tip = byId("tip");
    if (i !== hovered) {
      hovered = i;
      canvas.later("marks", marks());
    }
    tip.hidden = i === null || !near;
    if (tip.hidden) return;
    tip.replaceChildren(made("b", { text: `Trial ${data.numbers[i]}` }), ...objectives.map((one) => made("span", { text: `${one.label}: ${trials.text(one, i)}` })));
    const [x, y] = near;
    const room = byId("plane");
    tip.style.setProperty("left", `${Math.min(x + 14, room.clientWidth - tip.offsetWidth - 4)}px`);
    tip.style.setProperty("top", `${Math.max(4, Math.min(y + 14, room.clientHeight - tip.offsetHeight - 4))}px`);
  }

  function at(node, event) {
    const box = node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  over.addEventListener("pointermove", (event) => {
    const place = at(over, event);
    hover(large.nearest(...place, NEAR), place);
  });
  over.addEventListener("pointerleave", () => hover(null));
  over.addEventListener("click", (event) => {
    const found = large.nearest(...at(over, event), NEAR);
    if (found !== null) choose(found);
  });
  parallel.canvas.addEventListener("pointermove", (event) => hover(parallel.nearest(...at(parallel.canvas, event), 8)));
  parallel.canvas.addEventListener("pointerleave", () => hover(null));
  parallel.canvas.addEventListener("click", (event) => {
    const found = parallel.nearest(...at(parallel.canvas, event), 8);
    if (found !== null) choose(found);
  });

  byId("plane").addEventListener("keydown", (event) => { // along the line, or with Shift through all points, by what is across
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const line = large.line();
    const through = event.shiftKey || !line.length ? [...order(view.x, view.y)].filter((i) => trials.inside[i]) : line.slice();
    through.sort((i, j) => view.x.values[i] - view.x.values[j] || i - j);
    if (!through.length || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const now = through.indexOf(chosen);
    const next = { Home: 0, End: through.length - 1, ArrowRight: now + 1, ArrowLeft: now < 0 ? through.length - 1 : now - 1 }[event.key];
    choose(through[Math.max(0, Math.min(through.length - 1, next))]);
  });

  for (const side of ["x", "y", "tone"]) {
    const choices = side === "y" ? columns.filter((one) => one.kind !== "trial") : columns;
    const options = choices.map((one) => made("option", { value: String(columns.indexOf(one)), text: one.label }));
    byId(side).append(...options);
    byId(side).addEventListener("change", (event) => {
      const column = columns[Number(event.target.value)] || null;
      look(side === "tone" ? { tone: column } : { [side]: column, [`${side}Log`]: column.wide });
    });
  }
  for (const side of ["x", "y"]) byId(`${side}-log`).addEventListener("change", (event) => look({ [`${side}Log`]: event.target.checked }));

  // -- the chosen trial ----------------------------------------------------------------------

  const detail = byId("detail");
  const along = data.front;

  function facts(rows) {
    return made("dl", {}, ...rows.flatMap(([label, value]) => [made("dt", { text: label }), made("dd", { text: value })]));
  }

  function walk(step, label, text) {
    const button = made("button", { text, type: "button", kind: "small", "aria-label": label });
    const next = along[along.indexOf(chosen) + step];
    button.disabled = !along.includes(chosen) ? !along.length : next === undefined;
    button.addEventListener("click", () => {
      choose(along.includes(chosen) ? next : along[0]);
      const again = detail.querySelector(`.walk button[aria-label="${label}"]`);
      (again.disabled ? detail.querySelector(".walk button:enabled") : again)?.focus();
    });
    return button;
  }

  function differences(i) { // from the configuration that the search began from
    return axes.map((axis) => {
      const value = trials.text(axis, i);
      return [axis.name, value === axis.base ? `${value} (as before)` : axis.base ? `${value} (before: ${axis.base})` : value];
    });
  }

  function configuration(i) {
    const text = trials.yaml(i);
    if (!text) return [];
    const code = made("pre", { text, tabindex: "0", id: "yaml", "aria-label": "Configuration as YAML" });
    const copy = made("button", { text: "Copy", type: "button", kind: "small" });
    const save = made("button", { text: "Download", type: "button", kind: "small" });
    copy.addEventListener("click", () => shared.copy(copy, code));
    save.addEventListener("click", () => {
      const address = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
      made("a", { href: address, download: `trial-${data.numbers[i]}.yml` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    });
    return [made("h4", { text: "Configuration" }), made("div", { kind: "tools" }, copy, save), code];
  }

  function choose(i, { quietly = false } = {}) {
    chosen = i;
    const number = data.numbers[i];
    const state = data.states[i];
    const spent = [["seconds", canvas.spell(data.seconds[i])], ["worker", data.workers[data.worker[i]]]].filter(([, value]) => value !== "");
    const reason = data.reasons[data.reason[i]];
    const partly = state === "pruned" ? [made("p", { kind: "hint", text: "Of a part of the data:" })] : [];
    const numbers = objectives.map((one) => [one.label, trials.text(one, i)]).filter(([, value]) => value !== "");
    detail.replaceChildren(
      made("div", { kind: "walk" }, walk(-1, "Previous trial of the front", "‹"), walk(1, "Next trial of the front", "›")),
      made("h3", { text: `Trial ${number}` }),
      made("p", { kind: "kind", text: trials.isFront[i] ? "on the front" : state }),
      ...(reason ? [made("p", { kind: `found ${state === "failed" ? "fault" : "warning"}`, text: reason })] : []),
      ...partly,
      facts(numbers),
      ...(axes.length ? [made("h4", { text: "Settings of this trial" }), facts(differences(i))] : []),
      ...configuration(i),
      ...(spent.length ? [made("h4", { text: "Where it was computed" }), facts(spent)] : []),
    );
    detail.scrollTop = 0;
    for (const row of body.rows) row.classList.toggle("chosen", Number(row.dataset.place) === i);
    canvas.later("marks", marks());
    if (!quietly) {
      say(`Trial ${number}: ${numbers.map(([label, value]) => `${label} ${value}`).join(", ") || state}`);
      history.replaceState(null, "", `#trial-${number}`);
    }
  }

  // -- the table -----------------------------------------------------------------------------

  const body = byId("trials-body");
  const heads = [
    { name: "trial", column: columns[0] },
    { name: "state", text: (i) => (trials.isFront[i] ? "front" : data.states[i]) },
    ...objectives.map((column) => ({ name: column.label, column })),
    ...axes.map((column) => ({ name: column.label, column })),
    { name: "seconds", column: { kind: "seconds", values: Float64Array.from(data.seconds) } },
    { name: "reason", text: (i) => data.reasons[data.reason[i]] },
  ];
  const sorted = { head: null, up: true }; // without a head: the front first, then by the first objective
  let listed = [];
  let first = 0;

  function compare(i, j) {
    const { head, up } = sorted;
    if (!head) {
      const [a, b] = [i, j].map((one) => objectives[0].values[one] * (objectives[0].higher ? -1 : 1));
      const front = trials.isFront[j] - trials.isFront[i] || (trials.isFront[i] && trials.rank[i] - trials.rank[j]);
      return front || missing(a, b) || a - b || i - j;
    }
    const sign = up ? 1 : -1;
    if (head.text) {
      const [a, b] = [head.text(i), head.text(j)];
      return sign * (a < b ? -1 : a > b ? 1 : 0) || i - j;
    }
    const [a, b] = [head.column.values[i], head.column.values[j]];
    return missing(a, b) || sign * (a - b) || i - j;
  }

  const missing = (a, b) => Number.isNaN(a) - Number.isNaN(b); // what is not known stands last, however it is sorted

  function list() { // which trials the table has, and in which order
    const wanted = byId("state").value;
    const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (i) => {
      if (wanted === "front" ? !trials.isFront[i] : wanted && data.states[i] !== wanted) return false;
      if (trials.isMeasured[i] ? !trials.inside[i] : trials.ranges.size) return false;
      if (!words.length) return true;
      const text = `${axes.map((axis) => `${axis.name}=${trials.text(axis, i)}`).join(" ")} ${data.reasons[data.reason[i]]}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    listed = Array.from({ length: trials.count }, (_, i) => i).filter(matches).sort(compare);
    first = 0;
    rows();
  }

  function rows() {
    const some = listed.slice(first, first + ROWS);
    body.replaceChildren(...some.map((i) => {
      const button = made("button", { type: "button", kind: "link", text: String(data.numbers[i]), "aria-label": `Trial ${data.numbers[i]}` });
      const cells = heads.slice(1).map((head) => {
        const text = head.text ? head.text(i) : head.column.kind === "seconds" ? data.seconds[i].toFixed(2) : trials.text(head.column, i);
        return made("td", { text, kind: head.text || head.column.kind === "axis" ? "" : "number" });
      });
      const row = made("tr", { "data-place": String(i), kind: i === chosen ? "chosen" : "" }, made("td", { kind: "number" }, button), ...cells);
      row.addEventListener("click", () => choose(i));
      return row;
    }));
    const last = Math.min(first + ROWS, listed.length);
    byId("which").textContent = listed.length ? `${(first + 1).toLocaleString("en-US")} to ${last.toLocaleString("en-US")} of ${listed.length.toLocaleString("en-US")} trials` : "no trials";
    byId("earlier").disabled = first === 0;
    byId("further").disabled = last === listed.length;
  }

  function head(one) {
    const button = made("button", { type: "button", kind: "sort", text: one.name });
    one.node = made("th", { scope: "col", kind: one.text || one.column.kind === "axis" ? "" : "number" }, button);
    button.addEventListener("click", () => {
      sorted.up = sorted.head === one ? !sorted.up : !(one.column?.kind === "objective" && one.column.higher);
      sorted.head = one;
      for (const other of heads) {
        if (other === one) other.node.setAttribute("aria-sort", sorted.up ? "ascending" : "descending");
        else other.node.removeAttribute("aria-sort");
      }
      list();
    });
    return one.node;
  }

  byId("trials-head").replaceChildren(...heads.map(head));
  byId("state").addEventListener("change", list);
  byId("words").addEventListener("input", list);
  byId("earlier").addEventListener("click", () => { first -= ROWS; rows(); });
  byId("further").addEventListener("click", () => { first += ROWS; rows(); });
  for (const button of document.querySelectorAll("[data-trial]")) {
    button.addEventListener("click", () => {
      choose(Number(button.dataset.trial));
      byId("detail").scrollIntoView({ block: "nearest" });
    });
  }

  // -- ranges --------------------------------------------------------------------------------

  let settled = 0;
  parallel.onChange(() => {
    trials.sift();
    follow();
    byId("inside").textContent = counted();
    clearTimeout(settled);
    settled = setTimeout(() => { // a moment later: what needs not follow a hand
      list();
      legend();
      drawPairs();
      told();
      say(byId("inside").textContent);
    }, 120);
  });
  byId("clear").addEventListener("click", parallel.clear);

  function counted() {
    const all = measured.length.toLocaleString("en-US");
    return trials.ranges.size ? `${trials.insiders.toLocaleString("en-US")} of ${all} trials are in the ranges` : `${all} trials, no range is set`;
  }

  function told() {
    const text = trials.command();
    byId("clear").disabled = !trials.ranges.size;
    byId("command").hidden = !text;
    byId("command-text").textContent = text;
  }

  // -- the rest ------------------------------------------------------------------------------

  let waiting = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(fit);
  });

  function fit() {
    parallel.measure();
    draw();
  }

  shared.printed(() => {}, fit);
  window.addEventListener("beforeprint", () => { // when all is open and light
    fit();
    canvas.finish();
  });

  byId("inside").textContent = counted();
  told();
  parallel.measure();
  shared.dress(() => { legend(); draw(); });
  look({});
  list();
  const asked = /^#trial-(\d+)$/.exec(location.hash);
  const known = asked ? data.numbers.indexOf(Number(asked[1])) : -1;
  if (known >= 0) choose(known);
  else if (along.length) choose(along[0], { quietly: true });
})();
