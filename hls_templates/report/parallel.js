// Parallel coordinates: each setting and objective a line from bottom to top, each trial a way across, ranges by hand.
"use strict";
const parallel = (() => {
  const { byId, made, colour } = shared;
  const CHUNK = 60; // ways between two looks at the clock
  const [TOP, BOTTOM, EDGE] = [14, 22, 60];
  const [LEAST, MANY] = [112, 20]; // pixels between two lines; of more lines than that, half as many

  const shown = [...trials.axes.filter((one) => one.labels.length > 1), ...trials.objectives];
  const place = byId("lines");
  const [faint, base, over] = place.querySelectorAll("canvas"); // all ways, those within ranges, those that are looked at
  let size = { width: 0, height: 0 };
  let changed = () => {};
  let cut = 13; // letters of a value that there is room for

  const across = (k) => (shown.length > 1 ? EDGE + (k * (size.width - 2 * EDGE)) / (shown.length - 1) : size.width / 2);
  const down = (t) => TOP + (1 - t) * (size.height - TOP - BOTTOM);
  const value = (column, t) => (column.kind === "axis" ? column.labels[Math.round(t * (column.labels.length - 1))] : canvas.spell(round(column, column.back(t))));

  function round(column, number) { // to what can be told apart on the line
    const digits = Math.max(0, Math.ceil(-Math.log10((column.high - column.low || 1) / 300)));
    return Number(number.toFixed(Math.min(digits, 12)));
  }

  // -- drawing -------------------------------------------------------------------------------

  function way(pen, i) {
    pen.beginPath();
    shown.forEach((column, k) => {
      const at = column.line[i];
      const [x, y] = [across(k), down(Number.isNaN(at) ? 0 : at)];
      if (k) pen.lineTo(x, y);
      else pen.moveTo(x, y);
    });
    pen.stroke();
  }

  function shortened(labels, room) { // where there is no room for all of them, what they differ in: of fixed<4,1>, fixed<12,1> it is 4, 12
    if (labels.length < 2 || labels.every((label) => label.length <= room)) return labels;
    const same = (letter) => labels.every((label) => letter(label) !== undefined && letter(label) === letter(labels[0]));
    const [first, least] = [labels[0], Math.min(...labels.map((label) => label.length))];
    let [before, behind] = [0, 0];
    while (before < least && same((label) => label[before])) before += 1;
    while (before && /\d/.test(first[before - 1])) before -= 1; // a number stays whole
    while (behind < least - before && same((label) => label.at(-1 - behind))) behind += 1;
    while (behind && /\d/.test(first.at(-behind))) behind -= 1;
    return labels.map((label) => `${before ? "…" : ""}${label.slice(before, label.length - behind)}${behind ? "…" : ""}`);
  }

  function marks(pen) { // the lines themselves, and what is written at them
    pen.lineWidth = 1;
    shown.forEach((column, k) => {
      const x = Math.round(across(k)) + 0.5;
      pen.strokeStyle = colour("soft");
      pen.beginPath();
      pen.moveTo(x, down(0));
      pen.lineTo(x, down(1));
      pen.stroke();
      const most = Math.max(2, Math.floor((size.height - TOP - BOTTOM) / 26));
      const every = Math.ceil((column.labels || []).length / most);
      const ticks = column.kind === "axis"
        ? shortened(column.labels, cut).map((label, n) => [column.at(n), label]).filter((_, n) => n % every === 0)
        : column.scale.ticks(5).map((tick) => [column.at(tick), canvas.brief(tick)]);
      pen.textAlign = "left";
      for (const [t, text] of ticks) {
        if (t < -1e-9 || t > 1 + 1e-9) continue;
        const words = text.length > cut ? `${text.slice(0, cut - 1)}…` : text;
        const width = pen.measureText(words).width;
        pen.fillStyle = colour("card");
        pen.globalAlpha = 0.8;
        pen.fillRect(x + 4, down(t) - 8, width + 6, 16);
        pen.globalAlpha = 1;
        pen.fillStyle = colour("ink");
        pen.fillText(words, x + 7, down(t) + 4);
      }
    });
  }

  function* ways(pen, alpha, stroke) { // strides all over, so that half a picture is one, too
    const each = trials.measured.length;
    const stride = [7919, 104729, 1299709].find((prime) => each % prime) || 1;
    [pen.lineWidth, pen.globalAlpha] = [1.1, alpha * Math.max(0.07, Math.min(0.8, 14 / Math.sqrt(each || 1)))];
    for (let k = 0; k < each; k++) {
      const i = trials.measured[(k * stride) % each];
      const paint = stroke(i);
      if (paint) {
        pen.strokeStyle = paint;
        way(pen, i);
      }
      if (k % CHUNK === CHUNK - 1) yield;
    }
    pen.globalAlpha = 1;
  }

  function* all(paint) { // what lies below, where there are ranges
    yield* ways(canvas.surface(faint).pen, 0.3, () => paint.outsideStroke);
  }

  function* drawn(paint) {
    faint.style.setProperty("visibility", trials.ranges.size ? "visible" : "hidden");
    const { pen } = canvas.surface(base);
    yield* ways(pen, 1, (i) => trials.inside[i] && paint.strokes[paint.of(i)]);
    if (paint.best) {
      [pen.globalAlpha, pen.lineWidth, pen.strokeStyle] = [trials.data.front.length > 20 ? 0.6 : 0.9, 1.5, colour("c1")];
      for (const i of trials.data.front) if (trials.inside[i]) way(pen, i);
    }
    pen.globalAlpha = 1;
  }

  function mark(...chosen) { // on top: ways that are looked at, and what can be read
    const { pen } = canvas.surface(over);
    for (const [i, name] of chosen) {
      if (i === null || !trials.isMeasured[i]) continue;
      [pen.lineWidth, pen.strokeStyle] = [5, colour("card")];
      way(pen, i);
      [pen.lineWidth, pen.strokeStyle] = [2.4, colour(name)];
      way(pen, i);
    }
    marks(pen);
  }

  // -- ranges --------------------------------------------------------------------------------

  const breakable = (text) => text.split(/(?<=[._/])/).flatMap((part) => [part, made("wbr")]);

  const rods = shown.map((column) => {
    const ends = [0, 1].map((end) => made("div", { kind: "end", role: "slider", tabindex: "0", "aria-orientation": "vertical", "aria-label": `${column.label}, ${end ? "upper" : "lower"} end of the range` }));
    const bar = made("div", { kind: "range" });
    const track = made("div", { kind: "track" }, bar, ...ends);
    const name = made("p", { kind: "name", title: plane.direction(column) }, ...breakable(column.kind === "objective" ? `${column.label} ${column.higher ? "↑" : "↓"}` : column.label));
    const node = made("div", { kind: "rod", role: "group", "aria-label": column.label }, track, name);
    const rod = { column, node, track, bar, ends };
    ends.forEach((end, which) => end.addEventListener("keydown", (event) => byKey(rod, which, event)));
    byPointer(rod);
    return rod;
  });
  place.append(...rods.map((rod) => rod.node));

  const rangeOf = (column) => trials.ranges.get(column) || [0, 1];

  function set(column, from, to) { // a range; that of everything is none
    if (from <= 1e-9 && to >= 1 - 1e-9) trials.ranges.delete(column);
    else trials.ranges.set(column, [Math.max(0, from), Math.min(1, to)]);
    show();
    changed();
  }

  function clear() {
    trials.ranges.clear();
    show();
    changed();
  }

  function show() { // where ranges are, for eyes and for those who are told
    const length = size.height - TOP - BOTTOM;
    for (const { column, bar, ends } of rods) {
      const range = rangeOf(column);
      bar.hidden = !trials.ranges.has(column);
      bar.style.setProperty("top", `${(1 - range[1]) * length}px`);
      bar.style.setProperty("height", `${(range[1] - range[0]) * length}px`);
      ends.forEach((end, which) => {
        end.style.setProperty("top", `${(1 - range[which]) * length}px`);
        const now = { "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(Math.round(100 * range[which])), "aria-valuetext": value(column, range[which]) };
        for (const [name, said] of Object.entries(now)) end.setAttribute(name, said);
        end.title = now["aria-valuetext"];
      });
    }
  }

  function byKey({ column }, which, event) {
    const step = column.kind === "axis" ? 1 / (column.labels.length - 1) : 0.02;
    const range = [...rangeOf(column)];
    const other = range[1 - which];
    const moves = {
      ArrowUp: range[which] + step, ArrowRight: range[which] + step, ArrowDown: range[which] - step, ArrowLeft: range[which] - step,
      PageUp: range[which] + 5 * step, PageDown: range[which] - 5 * step, Home: which ? other : 0, End: which ? 1 : other,
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      event.preventDefault();
      set(column, 0, 1);
    } else if (event.key in moves) {
      event.preventDefault();
      const next = Math.max(0, Math.min(1, moves[event.key]));
      range[which] = which ? Math.max(next, other) : Math.min(next, other);
      set(column, ...range);
    }
  }

  function byPointer({ column, track, ends }) {
    let held = null; // { from, range, end, moved }
    const at = (event) => {
      const box = track.getBoundingClientRect();
      return Math.max(0, Math.min(1, 1 - (event.clientY - box.top) / box.height));
    };
    track.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const from = at(event);
      const range = trials.ranges.get(column);
      const end = ends.indexOf(event.target);
      held = { from, y: event.clientY, range: range || [0, 1], end, within: range && from > range[0] && from < range[1], moved: false };
      track.setPointerCapture(event.pointerId);
      event.preventDefault();
      if (end >= 0) ends[end].focus();
    });
    track.addEventListener("pointermove", (event) => {
      if (!held) return;
      if (!held.moved && Math.abs(event.clientY - held.y) < 4) return;
      held.moved = true;
      const now = at(event);
      const [from, to] = held.range;
      if (held.end === 0) set(column, Math.min(now, to), to);
      else if (held.end === 1) set(column, from, Math.max(now, from));
      else if (held.within) { // the whole range is moved
        const by = Math.max(-from, Math.min(1 - to, now - held.from));
        set(column, from + by, to + by);
      } else set(column, Math.min(now, held.from), Math.max(now, held.from));
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      track.addEventListener(kind, () => {
        if (held && !held.moved && held.end < 0) set(column, 0, 1);
        held = null;
      });
    }
  }

  // -- places --------------------------------------------------------------------------------

  function measure() { // after the page changed its size
    const frame = place.parentElement;
    const least = shown.length > MANY ? LEAST / 2 : LEAST;
    const width = Math.max(frame.clientWidth, 2 * EDGE + least * Math.max(0, shown.length - 1));
    place.style.setProperty("width", `${width}px`);
    const drawing = byId("ways");
    size = { width, height: drawing.clientHeight };
    const apart = shown.length > 1 ? across(1) - across(0) : width;
    cut = Math.max(4, Math.min(24, Math.floor((apart - 14) / 6.6)));
    place.style.setProperty("--name", `${Math.min(apart - 6, 106)}px`);
    rods.forEach(({ node, track }, k) => {
      node.style.setProperty("left", `${across(k)}px`);
      track.style.setProperty("top", `${TOP}px`);
      track.style.setProperty("height", `${size.height - TOP - BOTTOM}px`);
    });
    show();
  }

  function nearest(x, y, most) { // the trial whose way passes nearest to a place, measured upwards
    let k = 0;
    while (k + 2 < shown.length && x > across(k + 1)) k += 1;
    const t = Math.max(0, Math.min(1, (x - across(k)) / (across(k + 1) - across(k) || 1)));
    let [found, least] = [null, most];
    for (const i of trials.measured) {
      if (!trials.inside[i]) continue;
      const [a, b] = [shown[k], shown[Math.min(k + 1, shown.length - 1)]].map((column) => down(column.line[i]));
      const distance = Math.abs(a + (b - a) * t - y);
      if (distance < least) [found, least] = [i, distance];
    }
    return found;
  }

  return { all, drawn, mark, shortened, measure, nearest, clear, canvas: over, onChange: (call) => { changed = call; } };
})();
