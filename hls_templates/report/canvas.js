// Drawing on canvases: scales with ticks, colours of values, and work that is spread over frames.
"use strict";
const canvas = (() => {
  const { colour, isDark } = shared;
  const FONT = "12px system-ui, sans-serif";
  const [LEAST, MOST] = [1, 8]; // ms of a frame in which drawing is asked for
  const PIXELS = 12e6; // of a canvas at most: browsers have little memory for them
  const LATE = 24; // ms between two frames from which on less is asked for: what is asked for is painted later

  // -- scales --------------------------------------------------------------------------------

  function spell(value) { // as a reader wants a number: whole ones in full, others by six digits
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
    const size = Math.abs(value);
    return size >= 1e9 || size < 1e-4 ? value.toExponential(4) : String(Number(value.toPrecision(6)));
  }

  function brief(value) { // of a tick
    const size = Math.abs(value);
    if (size >= 1e4) {
      const [unit, name] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : [1e3, "k"];
      return `${Number((value / unit).toPrecision(4))}${name}`;
    }
    return size && size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(5)));
  }

  function evenly(low, high, most) { // multiples of 1, 2 or 5 times a power of ten
    const raw = (high - low) / Math.max(most, 1);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((k) => k * power).find((one) => one >= raw * 0.999);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step);
    return found;
  }

  function byPowers(low, high, most) {
    const first = Math.floor(Math.log10(low));
    const last = Math.ceil(Math.log10(high));
    const powers = Array.from({ length: last - first + 1 }, (_, k) => 10 ** (first + k));
    const shown = (values) => values.filter((v) => v >= low * 0.999 && v <= high * 1.001);
    for (const digits of [[1, 2, 3, 5], [1, 2, 5], [1, 3], [1]]) {
      const found = shown(powers.flatMap((p) => digits.map((d) => d * p)));
      if (found.length <= most) return found.length > 1 ? found : evenly(low, high, most);
    }
    const found = shown(powers);
    return found.filter((_, k) => k % Math.ceil(found.length / most) === 0);
  }

  function scale(low, high, log = false) { // values to 0..1 and back
    if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
    const into = log ? Math.log : (v) => v;
    const [a, b] = [into(low), into(high)];
    return {
      at: (value) => (into(value) - a) / (b - a),
      back: (t) => (log ? Math.exp(a + t * (b - a)) : a + t * (b - a)),
      ticks: (most) => (log ? byPowers(low, high, most) : evenly(low, high, most)),
    };
  }

  function padded(low, high, log) { // so that no point lies on the border
    if (low === high) return scale(low, high, log);
    if (log) return scale(low * (low / high) ** 0.04, high * (high / low) ** 0.04, true);
    const more = (high - low) * 0.04;
    return scale(low - more, high + more);
  }

  // -- colours -------------------------------------------------------------------------------

  const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis
  const BINS = 12;

  function shade(t) { // of 0..1; the end that cannot be seen on the page is left out
    const place = (isDark() ? 0.22 + 0.78 * t : 0.86 * t) * (RAMP.length - 1);
    const k = Math.min(Math.floor(place), RAMP.length - 2);
    const mixed = RAMP[k].map((from, j) => Math.round(from + (RAMP[k + 1][j] - from) * (place - k)));
    return `rgb(${mixed.join(" ")})`;
  }

  const shades = () => Array.from({ length: BINS }, (_, k) => shade(k / (BINS - 1)));
  const bin = (t) => Math.max(0, Math.min(BINS - 1, Math.floor(t * BINS)));

  // -- surfaces ------------------------------------------------------------------------------

  function surface(node) { // a canvas as large as it is shown, sharp on every screen unless it is very wide
    const [width, height] = [node.clientWidth, node.clientHeight];
    const ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(PIXELS / Math.max(1, width * height)));
    if (node.width !== Math.round(width * ratio) || node.height !== Math.round(height * ratio)) {
      node.width = Math.round(width * ratio);
      node.height = Math.round(height * ratio);
    }
    const pen = node.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = FONT;
    return { pen, width, height, ratio };
  }

  function dot(paint, radius) { // a picture of a point: ten thousand of them are drawn sooner than circles
    const ratio = window.devicePixelRatio || 1;
    const node = document.createElement("canvas");
    const size = 2 * radius + 2;
    node.width = node.height = Math.ceil(size * ratio);
    const pen = node.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = paint;
    pen.beginPath();
    pen.arc(size / 2, size / 2, radius, 0, 2 * Math.PI);
    pen.fill();
    return (target, x, y) => target.drawImage(node, x - size / 2, y - size / 2, size, size);
  }

  // -- work over several frames --------------------------------------------------------------

  const jobs = new Map(); // a name -> a generator that draws, and yields often
  let asked = 0;
  let budget = MOST;
  let last = 0; // when the frame before was, if drawing went on in it

  function run(until) {
    for (const [name, job] of jobs) {
      for (;;) {
        if (performance.now() > until) return;
        if (job.next().done) break;
      }
      jobs.delete(name);
    }
  }

  function frame(now) {
    asked = 0;
    if (last) budget = now - last > LATE ? Math.max(LEAST, budget / 2) : Math.min(MOST, budget * 1.3);
    run(performance.now() + budget);
    last = jobs.size ? now : 0;
    if (jobs.size) asked = requestAnimationFrame(frame);
  }

  function later(name, job) { // begun anew, if it is under way
    jobs.delete(name);
    jobs.set(name, job);
    if (!asked) asked = requestAnimationFrame(frame);
  }

  function finish() { // all of it, now: it is going to be printed
    run(Infinity);
  }

  return { BINS, spell, brief, scale, padded, shades, bin, surface, dot, later, finish, colour, idle: () => !jobs.size };
})();
