// Trials as points of a plane of two columns, with the front of those two.
"use strict";
const plane = (() => {
  const { brief, colour } = canvas;
  const CHUNK = 400; // points between two looks at the clock

  // What one is drawn by: { x, y, xLog, yLog, order, paint } (columns, whether a scale is logarithmic, trials from the
  // best x on, and { dots, of }: how points look, and which of these a trial has).

  function scales({ x, y, xLog, yLog }) {
    return [[x, xLog], [y, yLog]].map(([column, log]) => {
      const [low, high] = column.kind === "axis" && column.labels.length > 1 ? [column.low - 0.4, column.high + 0.4] : [column.low, column.high];
      return canvas.padded(low, high, log);
    });
  }

  function lineOf({ x, y, order }) { // the front of two objectives; against what is none, the best so far
    if (y.kind === "objective" && x.kind !== "axis") return trials.front(order, y);
    return [];
  }

  const direction = (column) => (column.kind === "objective" ? `${column.label}, ${column.higher ? "higher" : "lower"} is better` : column.label);

  function labelled(column, scale, most, text) { // where a grid has lines, and what is written there
    if (column.kind !== "axis") {
      return scale.ticks(most).filter((v) => column.kind !== "trial" || Number.isInteger(v)).map((value) => [scale.at(value), brief(value)]);
    }
    const every = Math.ceil(column.labels.length / most);
    return column.labels.map((label, k) => [scale.at(k), text(label)]).filter((_, k) => k % every === 0);
  }

  function cut(text, most) {
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
  }

  function make(base, { small = false } = {}) { // on a canvas; gives what draws it and where its points are
    let frame = null; // { left, top, width, height, sx, sy } of what was drawn last
    let look = null;

    function place(i) {
      return [frame.left + frame.sx.at(look.x.values[i]) * frame.width, frame.top + (1 - frame.sy.at(look.y.values[i])) * frame.height];
    }

    function grid(pen, width, height) {
      const [left, top, right, bottom] = small ? [6, 6, 6, 6] : [look.y.kind === "axis" ? 110 : 62, 12, 14, 46];
      const [sx, sy] = scales(look);
      frame = { left, top, width: Math.max(width - left - right, 10), height: Math.max(height - top - bottom, 10), sx, sy };
      pen.lineWidth = 1;
      pen.strokeStyle = colour("line");
      pen.strokeRect(frame.left + 0.5, frame.top + 0.5, frame.width, frame.height);
      if (small) return;
      pen.fillStyle = colour("soft");
      pen.textAlign = "center";
      const step = look.x.kind === "axis" ? 96 : 70;
      for (const [t, text] of labelled(look.x, sx, Math.max(2, Math.floor(frame.width / step)), (one) => cut(one, 16))) {
        const at = frame.left + t * frame.width;
        stroke(pen, at, frame.top, at, frame.top + frame.height);
        pen.fillText(text, at, frame.top + frame.height + 16);
      }
      pen.textAlign = "right";
      for (const [t, text] of labelled(look.y, sy, Math.max(2, Math.floor(frame.height / 45)), (one) => cut(one, 16))) {
        const at = frame.top + (1 - t) * frame.height;
        stroke(pen, frame.left, at, frame.left + frame.width, at);
        pen.fillText(text, frame.left - 7, at + 4);
      }
      pen.fillStyle = colour("ink");
      pen.textAlign = "center";
      pen.fillText(cut(direction(look.x), frame.width / 6.5), frame.left + frame.width / 2, height - 9);
      pen.save();
      pen.translate(13, frame.top + frame.height / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillText(cut(direction(look.y), frame.height / 6.5), 0, 0);
      pen.restore();
    }

    function stroke(pen, x0, y0, x1, y1) {
      pen.beginPath();
      pen.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
      pen.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
      pen.stroke();
    }

    function steps(pen, line) { // what is at least as good as this in both lies behind the corners
      if (!line.length) return;
      pen.strokeStyle = colour("c1");
      pen.lineWidth = small ? 1.2 : 2;
      pen.beginPath();
      line.forEach((i, k) => {
        const [px, py] = place(i);
        if (k) pen.lineTo(px, place(line[k - 1])[1]);
        else pen.moveTo(px, py);
        pen.lineTo(px, py);
      });
      if (look.x.kind === "trial") pen.lineTo(frame.left + frame.width, place(line[line.length - 1])[1]);
      pen.stroke();
    }

    function* drawn(next) {
      look = next;
      const { pen, width, height } = canvas.surface(base);
      grid(pen, width, height);
      const { dots, of } = look.paint;
      const count = trials.measured.length;
      for (const wanted of [0, 1]) { // what is outside of the ranges lies below
        if (!wanted && !trials.ranges.size) continue;
        for (let k = 0; k < count; k++) {
          const i = trials.measured[k];
          if (trials.inside[i] === wanted) {
            const [px, py] = place(i);
            (wanted ? dots[of(i)] : look.paint.outside)(pen, px, py);
          }
          if (k % CHUNK === CHUNK - 1) yield;
        }
      }
      const line = lineOf(look);
      steps(pen, line);
      if (!small && look.paint.best) {
        for (const i of trials.data.front) if (trials.inside[i]) look.paint.best(pen, ...place(i));
      }
    }

    function nearest(x, y, most) { // the trial that is drawn nearest to a place
      if (!frame) return null;
      let [found, least] = [null, most * most];
      for (const i of trials.measured) {
        if (!trials.inside[i]) continue;
        const [px, py] = place(i);
        const distance = (px - x) ** 2 + (py - y) ** 2;
        if (distance <= least) [found, least] = [i, distance];
      }
      return found;
    }

    return { drawn, nearest, place: (i) => (frame ? place(i) : null), line: () => (look ? lineOf(look) : []) };
  }

  return { make, direction };
})();
