// The trials of a sweep as columns: what the page was written with, ranges of columns, fronts.
"use strict";
const trials = (() => {
  const data = JSON.parse(shared.byId("data").textContent);
  const count = data.numbers.length;
  const numbers = (values) => Float64Array.from(values, (value) => (value === null ? NaN : value));

  const columns = [
    { kind: "trial", name: "trial", label: "trial", values: numbers(data.numbers) },
    ...data.objectives.map((one) => ({ ...one, kind: "objective", label: one.unit && one.unit !== one.name ? `${one.name} (${one.unit})` : one.name, values: numbers(one.values) })),
    ...data.axes.map((one) => ({ ...one, kind: "axis", label: one.name, values: numbers(one.places) })),
  ];
  const objectives = columns.filter((one) => one.kind === "objective");
  const axes = columns.filter((one) => one.kind === "axis");
  const measured = Int32Array.from(data.measured);
  const isMeasured = new Uint8Array(count);
  for (const place of measured) isMeasured[place] = 1;
  const isFront = new Uint8Array(count);
  const rank = new Float64Array(count).fill(Infinity); // on the front, the best of the first objective first
  data.front.forEach((place, k) => {
    isFront[place] = 1;
    rank[place] = k;
  });

  for (const column of columns) { // of what was measured, as only that is drawn
    let [low, high] = [Infinity, -Infinity];
    for (const place of measured) {
      const value = column.values[place];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (column.kind === "axis") [low, high] = [0, column.labels.length - 1];
    Object.assign(column, { low, high, canLog: column.kind !== "axis" && low > 0, wide: column.kind === "objective" && low > 0 && high / low >= 100 });
  }

  function text(column, place) { // what a trial has in a column, in words
    const value = column.values[place];
    if (Number.isNaN(value)) return "";
    return column.kind === "axis" ? column.labels[value] : canvas.spell(value);
  }

  // -- ranges --------------------------------------------------------------------------------

  // A column as a line from 0 to 1, of which a range is a part; of an objective, the better end is 1.
  for (const column of columns) {
    const scale = canvas.scale(column.low, column.high, column.wide);
    const turned = column.kind === "objective" && !column.higher;
    const single = column.kind === "axis" && column.labels.length === 1;
    column.at = (value) => (single ? 0.5 : turned ? 1 - scale.at(value) : scale.at(value));
    column.back = (t) => scale.back(turned ? 1 - t : t);
    column.scale = scale;
    column.line = Float64Array.from(column.values, column.at);
  }

  const ranges = new Map(); // a column -> [from, to] on its line
  const inside = Uint8Array.from(isMeasured); // of each trial, whether it was measured and is in all ranges
  let insiders = measured.length;

  function sift() {
    insiders = 0;
    const each = [...ranges].map(([column, [from, to]]) => [column.line, from - 1e-9, to + 1e-9]);
    for (const place of measured) {
      inside[place] = each.every(([line, from, to]) => line[place] >= from && line[place] <= to) ? 1 : 0;
      insiders += inside[place];
    }
  }

  // -- fronts --------------------------------------------------------------------------------

  function ordered(x, y) { // what was measured, from the best x on; of equal ones the best y first
    const sign = (column) => (column.kind === "objective" && column.higher ? -1 : 1);
    const [a, b] = [sign(x), sign(y)];
    return measured.slice().sort((i, j) => a * (x.values[i] - x.values[j]) || b * (y.values[i] - y.values[j]) || i - j);
  }

  // Of two objectives what no other is better than in both, of trials in their order what is better than all before.
  function front(order, y) {
    const found = [];
    let best = y.higher ? -Infinity : Infinity;
    for (const place of order) {
      const value = y.values[place];
      if (inside[place] && (y.higher ? value > best : value < best)) {
        best = value;
        found.push(place);
      }
    }
    return found;
  }

  // -- configurations ------------------------------------------------------------------------

  function yaml(place) { // as hlsgen.pages.alike.text_at does
    const [group, number] = data.yaml.places[place];
    return data.yaml.groups[group].map((line) => (typeof line === "string" ? line : line[0][line[1][number]])).join("\n");
  }

  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

  function command() { // that writes the best configuration within the ranges of objectives; empty without any
    const words = [];
    for (const [column, [from, to]] of ranges) {
      if (column.kind !== "objective" || !insiders) continue;
      let [low, high] = [Infinity, -Infinity];
      for (const place of measured) {
        if (!inside[place]) continue;
        low = Math.min(low, column.values[place]);
        high = Math.max(high, column.values[place]);
      }
      const [worst, best] = [from > 0, to < 1];
      if (column.higher ? worst : best) words.push("--min", quoted(`${column.name}=${low}`));
      if (column.higher ? best : worst) words.push("--max", quoted(`${column.name}=${high}`));
    }
    return words.length && data.study ? ["hlsgen", "sweep", "best", quoted(data.study), ...words, "-o", "best.yml"].join(" ") : "";
  }

  return {
    data, count, columns, objectives, axes, measured, isMeasured, isFront, rank, inside, ranges, sift, ordered, front, text, yaml, command,
    get insiders() { return insiders; },
  };
})();
