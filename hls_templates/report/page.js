// The report: choosing layers, moving the graph, charts. What is shown was decided when the page was written.
"use strict";
(() => {
  const { byId, made, say, colour } = shared;
  const data = JSON.parse(byId("data").textContent);

  // -- charts --------------------------------------------------------------------------------

  const charts = new Map(); // the element that holds a chart -> the chart, and what was drawn of it

  function short(value) {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    if (value !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(1);
    return String(Number(value.toPrecision(4)));
  }

  function held(chart) { // the shaded range, below everything else
    return (plot) => {
      const [low, high] = chart.held.map((end) => plot.valToPos(end, "x", true));
      const { left, top, width, height } = plot.bbox;
      const [from, to] = [Math.max(left, low), Math.min(left + width, high)];
      if (to <= from) return;
      plot.ctx.save();
      plot.ctx.fillStyle = colour("held");
      plot.ctx.fillRect(from, top, to - from, height);
      plot.ctx.restore();
    };
  }

  function series(chart) {
    const bars = chart.kind === "bars";
    return chart.series.map((one, k) => {
      const stroke = colour(`c${k % 4}`);
      const common = { label: one.name, stroke, width: 2, points: { show: !bars, size: 5 } };
      if (!bars) return common;
      if (k) return { ...common, points: { show: false }, paths: uPlot.paths.stepped({ align: 0 }) };
      return { ...common, width: 1, fill: stroke, points: { show: false }, paths: uPlot.paths.bars({ size: [0.92, 60, 1] }) };
    });
  }

  function axis(label) {
    const [ink, line] = [colour("soft"), colour("line")];
    return {
      label,
      stroke: ink,
      font: "12px system-ui, sans-serif",
      labelFont: "12px system-ui, sans-serif",
      labelSize: label ? 16 : 0,
      labelGap: 0,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1 },
      values: (_, splits) => splits.map(short),
    };
  }

  function extent(chart) {
    const ends = chart.kind === "bars" && chart.x.length > 1 ? (chart.x[1] - chart.x[0]) / 2 : 0;
    const low = chart.x[0] - ends;
    const high = chart.x[chart.x.length - 1] + ends;
    return low === high ? [low - 1, high + 1] : [low, high];
  }

  function draw(place) {
    const entry = charts.get(place);
    const width = place.clientWidth;
    if (!width) return; // in a part that is closed
    if (entry.plot) entry.plot.destroy();
    const { chart } = entry;
    const [lowest, highest] = extent(chart);
    entry.width = width;
    entry.plot = new uPlot(
      {
        width,
        height: chart.kind === "bars" ? 170 : 300,
        cursor: { y: false, drag: { x: false, y: false } },
        legend: { show: false },
        scales: { x: { time: false, range: () => [lowest, highest] }, ...(chart.kind === "bars" ? { y: { range: (_, __, high) => [0, high || 1] } } : {}) },
        series: [{}, ...series(chart)],
        axes: [{ ...axis(chart.x_label), size: 30, ...(chart.x.every(Number.isInteger) ? { incrs: [1, 2, 4, 5, 10, 20, 50, 100, 1000] } : {}) }, { ...axis(chart.y_label), size: 52 }],
        hooks: chart.held ? { drawAxes: [held(chart)] } : {},
      },
      [chart.x, ...chart.series.map((one) => one.values)],
      place,
    );
  }

  function shown(chart, heading) {
    const place = made("div", { kind: "area", role: "img", "aria-label": `${chart.title}. ${chart.text}` });
    charts.set(place, { chart, plot: null, width: 0 });
    const key = made("ul", { kind: "key" }, ...chart.series.map((one, k) => made("li", { text: one.name, kind: `k${k % 4}` })));
    if (chart.held) key.append(made("li", { text: "can be represented", kind: "range" }));
    const parts = [made(heading, { text: chart.title }), key, place];
    if (chart.text) parts.push(made("p", { text: chart.text, kind: "told" }));
    return made("div", { kind: "plot" }, ...parts);
  }

  function redraw(all = true) {
    for (const [place, entry] of charts) {
      if (!place.isConnected) {
        if (entry.plot) entry.plot.destroy();
        charts.delete(place);
      } else if (all || place.clientWidth !== entry.width) draw(place);
    }
  }

  // -- the graph -----------------------------------------------------------------------------

  const canvas = byId("canvas");
  const drawing = byId("drawing");
  const size = { width: Number(drawing.dataset.width), height: Number(drawing.dataset.height) };
  const groups = [...drawing.querySelectorAll(".layer")];
  const group = new Map(groups.map((node) => [Number(node.dataset.layer), node]));
  const FAR = 2.6; // from where on small letters are too small to be read, and only cost time
  let view = { x: 0, y: 0, width: size.width, height: size.height };

  function ratio() {
    return canvas.clientHeight ? canvas.clientWidth / canvas.clientHeight : 1.6;
  }

  function look(next) { // at this part of the drawing; one change a frame, however many events there are
    const least = Math.min(120, size.width);
    const width = Math.min(Math.max(next.width, least), all().width * 2);
    view = { x: next.x, y: next.y, width, height: width / ratio() };
    if (look.waiting) return;
    look.waiting = requestAnimationFrame(() => {
      look.waiting = 0;
      drawing.classList.toggle("far", view.width / canvas.clientWidth > FAR);
      drawing.setAttribute("viewBox", [view.x, view.y, view.width, view.height].map((n) => n.toFixed(2)).join(" "));
    });
  }

  function all() {
    const width = Math.max(size.width, size.height * ratio());
    const height = width / ratio();
    return { x: (size.width - width) / 2, y: (size.height - height) / 2, width, height };
  }

  function zoom(factor, at = { x: 0.5, y: 0.5 }) {
    const most = all().width * 2;
    const width = Math.min(Math.max(view.width * factor, Math.min(120, size.width)), most);
    const height = width / ratio();
    look({ x: view.x + (view.width - width) * at.x, y: view.y + (view.height - height) * at.y, width });
  }

  function pan(across, down) {
    look({ ...view, x: view.x + view.width * across, y: view.y + view.height * down });
  }

  function bring(number) { // a layer into view, large enough to be read
    const node = group.get(number);
    if (!node) return;
    const box = node.getBBox();
    const inside = box.x >= view.x && box.y >= view.y && box.x + box.width <= view.x + view.width && box.y + box.height <= view.y + view.height;
    const readable = view.width / canvas.clientWidth < 1.7;
    if (inside && readable) return;
    const width = readable ? view.width : Math.min(view.width, canvas.clientWidth * 1.15);
    look({ x: box.x + box.width / 2 - width / 2, y: box.y + box.height / 2 - width / ratio() / 2, width });
  }

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const frame = canvas.getBoundingClientRect();
    const at = { x: (event.clientX - frame.left) / frame.width, y: (event.clientY - frame.top) / frame.height };
    zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 400))), at);
  }, { passive: false });

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { x: event.clientX, y: event.clientY, view, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [across, down] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(across, down) < 5) return;
    if (!drag.moved) canvas.setPointerCapture(event.pointerId);
    drag.moved = true;
    canvas.classList.add("moving");
    const scale = drag.view.width / canvas.clientWidth;
    look({ ...drag.view, x: drag.view.x - across * scale, y: drag.view.y - down * scale });
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, () => {
      canvas.classList.remove("moving");
      setTimeout(() => { drag = null; }); // the click that follows has to know of it
    });
  }

  const keys = {
    "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), "_": () => zoom(1.25), "0": () => look(all()),
    ArrowLeft: () => pan(-0.1, 0), ArrowRight: () => pan(0.1, 0), ArrowUp: () => pan(0, -0.1), ArrowDown: () => pan(0, 0.1),
  };
  canvas.addEventListener("keydown", (event) => {
    const layer = event.target.closest(".layer");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (layer && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      choose(Number(layer.dataset.layer));
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  canvas.addEventListener("focusin", (event) => {
    const layer = event.target.closest(".layer");
    if (layer && layer.matches(":focus-visible")) bring(Number(layer.dataset.layer));
  });
  canvas.addEventListener("scroll", () => canvas.scrollTo(0, 0)); // a focused layer is brought into view by us
  canvas.addEventListener("click", (event) => {
    const layer = event.target.closest(".layer");
    if (layer && !(drag && drag.moved)) choose(Number(layer.dataset.layer));
  });
  byId("zoom-in").addEventListener("click", () => zoom(0.8));
  byId("zoom-out").addEventListener("click", () => zoom(1.25));
  byId("zoom-fit").addEventListener("click", () => look(all()));

  // -- the chosen layer ----------------------------------------------------------------------

  const detail = byId("detail");
  let chosen = null;

  function found(number) {
    const [weight, title, text] = data.remarks[number];
    return made("div", { kind: `found ${weight}` }, made("a", { text: title, href: `#remark-${number}` }), made("span", { text }));
  }

  function section(part) {
    const nodes = [made("h4", { text: part.title })];
    if (part.rows.length) {
      nodes.push(made("dl", {}, ...part.rows.flatMap(([label, value]) => [made("dt", { text: label }), made("dd", { text: value })])));
    }
    if (part.charts.length) nodes.push(made("div", { kind: "charts" }, ...part.charts.map((chart) => shown(chart, "h5"))));
    if (part.code) nodes.push(made("pre", { text: part.code, tabindex: "0" }));
    return nodes;
  }

  function walk(step, label, text) {
    const button = made("button", { text, type: "button", kind: "small", "aria-label": label });
    button.disabled = !data.layers[chosen + step];
    button.addEventListener("click", () => {
      choose(chosen + step);
      const again = detail.querySelector(`.walk button[aria-label="${label}"]`);
      (again.disabled ? detail.querySelector(".walk button:enabled") : again)?.focus();
    });
    return button;
  }

  function choose(number, { quietly = false } = {}) {
    const layer = data.layers[number];
    if (!layer) return;
    group.get(chosen)?.classList.remove("chosen");
    chosen = number;
    group.get(number)?.classList.add("chosen");
    byId("choose").value = String(number);
    detail.replaceChildren(
      made("div", { kind: "walk" }, walk(-1, "Previous layer", "‹"), walk(1, "Next layer", "›")),
      made("h3", { text: layer.name }),
      made("p", { text: layer.kind, kind: "kind" }),
      ...layer.remarks.map(found),
      ...layer.sections.flatMap(section),
    );
    detail.scrollTop = 0;
    redraw(false);
    bring(number);
    if (!quietly) {
      say(`Layer ${layer.name} is shown`);
      history.replaceState(null, "", `#layer-${number}`);
    }
  }

  byId("choose").addEventListener("change", (event) => {
    if (event.target.value !== "") choose(Number(event.target.value));
  });
  for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => {
      choose(Number(button.dataset.show));
      byId("graph").scrollIntoView();
    });
  }

  // -- the rest ------------------------------------------------------------------------------

  const rows = [...byId("layer-table").tBodies[0].rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  byId("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    rows.forEach((row, k) => {
      row.hidden = !words.every((word) => texts[k].includes(word));
      left += !row.hidden;
    });
    byId("count").textContent = left === rows.length ? `${left} layers` : `${left} of ${rows.length} layers`;
  });

  for (const place of document.querySelectorAll(".chart")) {
    const chart = data.charts[place.dataset.of][Number(place.dataset.panel)];
    place.replaceWith(shown(chart, "h3"));
  }
  for (const part of document.querySelectorAll("details")) part.addEventListener("toggle", () => redraw(false));

  let before = null; // what was looked at while it is printed
  const isPrinted = shared.printed(
    () => { // the whole graph
      before = view;
      cancelAnimationFrame(look.waiting);
      look.waiting = 0;
      drawing.classList.remove("far");
      drawing.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    },
    () => look(before),
  );
  let waiting = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      redraw(false);
      if (!isPrinted()) look(view);
    });
  });

  look(all());
  shared.dress(redraw);
  const asked = /^#layer-(\d+)$/.exec(location.hash);
  const first = data.remarks.find(([weight, , , layer]) => weight !== "note" && layer !== null);
  if (asked && data.layers[Number(asked[1])]) choose(Number(asked[1]));
  else if (first) choose(first[3], { quietly: true });
})();
