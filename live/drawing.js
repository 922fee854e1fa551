// The pictures: every layer beside the next, then the course of training.

const $ = id => document.getElementById(id);
const PICTURES = ["units", "hist", "signal", "gradient", "moved", "loss", "right"];
const LEFT = 46, RIGHT = 52, BINS = 41;     // room for the axis, for the output
const HEALTHY = 1e-3;                       // a step's change of the weights over their size (Karpathy, makemore 3)
const RANGE = {sigmoid: [0, 1], tanh: [-1, 1], relu: [0, 4]}; // of the activations that are drawn
const COLOURS = ["paper", "card", "ink", "soft", "line", "minus", "signal", "gradient", "weight"];
const strip = document.createElement("canvas");
const table = new Uint32Array(258);         // minus, card, signal, as pixels; then nothing, for NaN
let colour = {}, ranges = {}, chosen = 1;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of COLOURS) colour[name] = style.getPropertyValue("--" + name).trim();
  const part = (name, i) => parseInt(colour[name].slice(1 + 2 * i, 3 + 2 * i), 16);
  for (let i = 0; i <= 256; i++) {
    const t = Math.abs(i - 128) / 128, to = i < 128 ? "minus" : "signal";
    const [r, g, b] = [0, 1, 2].map(c => Math.round(part("card", c) * (1 - t) + part(to, c) * t));
    table[i] = 255 << 24 | b << 16 | g << 8 | r;
  }
  table[257] = 0;
}
const forgetRanges = () => { ranges = {signal: {}, gradient: {}, moved: {}}; };

// ---- pens --------------------------------------------------------------------------------------------------------

function open(id) {
  const canvas = $(id), ratio = devicePixelRatio || 1;
  const w = Math.max(canvas.clientWidth, LEFT + RIGHT + 30), h = canvas.clientHeight;
  const wide = Math.round(w * ratio), tall = Math.round(h * ratio);
  if (canvas.width !== wide || canvas.height !== tall) canvas.width = wide, canvas.height = tall;
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, w, h);
  c.font = "11px system-ui, sans-serif";
  c.textBaseline = "middle";
  return [c, w, h];
}
const column = w => (w - LEFT - RIGHT) / set.depth; // how wide a layer is
const across = (w, layer) => layer > set.depth ? w - RIGHT / 2 : LEFT + (layer - 0.5) * column(w);

function write(c, text, x, y, align = "right", fill = colour.soft) {
  c.fillStyle = fill, c.textAlign = align;
  c.fillText(text, x, y);
}
function writeOver(c, text, x, y, align = "right", fill = colour.soft) { // legible over lines
  c.strokeStyle = colour.paper, c.lineWidth = 4, c.textAlign = align, c.lineJoin = "round";
  c.strokeText(text, x, y);
  write(c, text, x, y, align, fill);
}
function line(c, points, style, width = 1.8, dash = []) { // null: the pen is lifted
  c.strokeStyle = style, c.lineWidth = width, c.setLineDash(dash), c.lineJoin = "round";
  c.beginPath();
  let down = false;
  for (const p of points) {
    if (p) down ? c.lineTo(...p) : c.moveTo(...p);
    down = p !== null;
  }
  c.stroke();
  c.setLineDash([]);
}
function dot(c, x, y, radius) {
  c.beginPath();
  c.arc(x, y, radius, 0, 7);
  c.fill();
}
function markChosen(c, w, h) {
  const wide = column(w);
  c.globalAlpha = 0.07, c.fillStyle = colour.ink;
  c.fillRect(across(w, chosen) - wide / 2, 0, wide, h);
  c.globalAlpha = 1;
}
function writeLayers(c, w, y) {
  const every = [1, 2, 5, 10].find(n => n * column(w) >= 24) ?? 10;
  for (const l of hiddenLayers()) if (l === 1 || l % every === 0) write(c, l, across(w, l), y, "center");
  write(c, T.out, w - RIGHT / 2, y, "center");
}

// ---- units -------------------------------------------------------------------------------------------------------

function paintHidden(to, row) { // as pixels: a layer is a square of units x images
  const [factor, shift] = {sigmoid: [256, 0], tanh: [128, 128], relu: [128 / 3, 128]}[set.activation];
  for (const l of hiddenLayers()) {
    const a = floats(core.values(l), set.width * BATCH);
    for (let i = 0; i < set.width; i++) {
      for (let k = 0, at = i * row + (l - 1) * BATCH; k < BATCH; k++) {
        const v = a[i * BATCH + order[k]] * factor + shift;
        to[at + k] = table[v > 256 ? 256 : v < 0 ? 0 : v === v ? v | 0 : 257];
      }
    }
  }
}
function paintOutput(to, row) { // softmax
  const scores = floats(core.values(set.depth + 1), CLASSES * BATCH), left = set.depth * BATCH;
  for (let k = 0; k < BATCH; k++) {
    const here = Array.from({length: CLASSES}, (_, i) => scores[i * BATCH + order[k]]), max = Math.max(...here);
    const powers = here.map(x => Math.exp(x - max)), sum = powers.reduce((x, y) => x + y);
    powers.forEach((power, i) => { to[i * row + left + k] = table[128 + (128 * power / sum | 0)]; });
  }
}
function drawImages(c, tall) { // three of the batch
  const side = Math.min(32, (tall - 12) / 3);
  for (let n = 0; n < 3; n++) {
    const at = picked[order[Math.floor((n + 0.5) * BATCH / 3)]] * INPUTS;
    for (let i = 0; i < INPUTS; i++) {
      c.globalAlpha = images[at + i] / 16, c.fillStyle = colour.ink;
      c.fillRect(2 + i % 8 * side / 8, n * (tall / 3) + Math.floor(i / 8) * side / 8, side / 8, side / 8);
    }
  }
  c.globalAlpha = 1;
}
function drawUnits() {
  const [c, w, h] = open("units"), D = set.depth, wide = column(w), tall = h - 16, gap = wide > 14 ? 3 : 1;
  strip.width = BATCH * (D + 1), strip.height = set.width;
  const s = strip.getContext("2d"), image = s.createImageData(strip.width, strip.height);
  const pixels = new Uint32Array(image.data.buffer);
  paintHidden(pixels, strip.width);
  paintOutput(pixels, strip.width);
  s.putImageData(image, 0, 0);
  c.imageSmoothingEnabled = false;
  for (const l of hiddenLayers()) {
    const x = LEFT + (l - 1) * wide + gap / 2;
    c.drawImage(strip, (l - 1) * BATCH, 0, BATCH, set.width, x, 0, wide - gap, tall);
    c.strokeStyle = l === chosen ? colour.ink : colour.line, c.lineWidth = l === chosen ? 1.5 : 1;
    c.strokeRect(x, 0.5, wide - gap, tall - 1);
    if (wide > 24 && Number.isNaN(measured.std[l])) write(c, "NaN", across(w, l), tall / 2, "center");
  }
  c.drawImage(strip, D * BATCH, 0, BATCH, CLASSES, w - RIGHT + 6, 0, RIGHT - 18, tall);
  c.strokeStyle = colour.line, c.lineWidth = 1;
  c.strokeRect(w - RIGHT + 6, 0.5, RIGHT - 18, tall - 1);
  for (let i = 0; i < CLASSES; i++) write(c, i, w - 1, (i + 0.5) * tall / CLASSES);
  drawImages(c, tall);
  writeLayers(c, w, h - 6);
}

function drawHistograms() {
  const [c, w, h] = open("hist"), wide = column(w), tall = h - 6, [low, high] = RANGE[set.activation];
  markChosen(c, w, h);
  for (const v of [low, (low + high) / 2, high]) {
    write(c, v === 4 ? "4+" : v, LEFT - 6, 4 + (high - v) / (high - low) * (tall - 4));
  }
  for (const l of hiddenLayers()) {
    core.histogram(l, low, high, BINS, core.room());
    const counts = new Uint32Array(core.memory.buffer, core.room(), BINS), max = Math.max(...counts);
    if (!max && wide > 24) write(c, "NaN", across(w, l), h / 2, "center");
    c.fillStyle = colour.signal;
    for (let i = 0; i < BINS; i++) {
      const length = Math.sqrt(counts[i] / max) * wide * 0.86, top = 4 + (BINS - 1 - i) / BINS * (tall - 4);
      if (counts[i]) c.fillRect(across(w, l) - length / 2, top, length, tall / BINS + 0.3);
    }
  }
}

// ---- layer by layer, on a log axis ---------------------------------------------------------------------------------

const drawable = x => x > 0 && Number.isFinite(x);
function decades(name, lists) { // a range that only grows during a run
  const range = ranges[name];
  for (const x of lists.flat()) {
    if (!drawable(x)) continue;
    range.low = Math.min(range.low ?? Infinity, Math.log10(x));
    range.high = Math.max(range.high ?? -Infinity, Math.log10(x));
  }
  const high = Math.ceil((range.high ?? -0.1) + 0.1), low = Math.floor((range.low ?? -1.9) - 0.1);
  return [Math.min(low, high - 2), high];
}
/** An axis of decades in the canvas: where a value stands, and the floor. `foot`: room below for the layers' names. */
function logAxis(id, lists, foot, inPercent) {
  const [c, w, h] = open(id), last = h - foot, [low, high] = decades(id, lists);
  const y = x => 6 + (high - Math.log10(x)) / (high - low) * (last - 16);
  markChosen(c, w, last);
  for (let d = high; d >= low; d -= Math.max(1, Math.ceil((high - low) / 4))) {
    line(c, [[LEFT, y(10 ** d)], [w - 4, y(10 ** d)]], colour.line, 1);
    const plain = inPercent && d >= -4 && d <= 1;
    const name = plain ? `${Number((100 * 10 ** d).toPrecision(1))}%` : d === 0 ? "1" : "10" + raised(d);
    write(c, name, LEFT - 6, y(10 ** d));
  }
  const curve = list => list.map((x, l) => l && drawable(x) ? [across(w, l), y(x)] : null).slice(1);
  const unseen = (x, l, style) => { // NaN and 0 have no place on the axis; of narrow layers every other is named
    const at = across(w, l), wide = column(w);
    if (!Number.isFinite(x)) write(c, wide > 24 ? "NaN" : "×", at, last - 8, "center", style);
    else if (wide > 16 || l % 2) write(c, "0", at, last - 7, "center", style);
  };
  return {c, w, h, y, curve, unseen, floor: last - 2};
}
function drawSize(id, values, start, expected, style) {
  const {c, w, y, curve, unseen} = logAxis(id, [values, start, expected ?? []].map(list => list.slice(1)), 4);
  if (step) c.globalAlpha = 0.35, line(c, curve(start), style, 1.4), c.globalAlpha = 1;
  if (expected) line(c, curve(expected), colour.ink, 1.2, [4, 4]);
  line(c, curve(values), style);
  for (let l = 1; l < values.length; l++) {
    c.fillStyle = style;
    if (drawable(values[l])) dot(c, across(w, l), y(values[l]), Math.min(3.4, column(w) / 4 + 0.6));
    else unseen(values[l], l, style);
  }
}
function drawMoved() { // bars: in all; dots: in the last step
  const all = weightLayers().map(moved), last = measured.update.slice(1);
  const {c, w, h, y, unseen, floor} = logAxis("moved", [all, last, [HEALTHY]], 16, true);
  const wide = Math.min(column(w), 40);
  all.forEach((x, i) => {
    if (!drawable(x)) return unseen(x, i + 1, colour.weight);
    c.fillStyle = colour.weight, c.globalAlpha = 0.45;
    c.fillRect(across(w, i + 1) - wide * 0.36, y(x), wide * 0.72, Math.max(1, floor - y(x)));
    c.globalAlpha = 1;
  });
  line(c, [[LEFT, y(HEALTHY)], [w - 4, y(HEALTHY)]], colour.ink, 1.2, [2, 3]);
  c.fillStyle = colour.ink;
  last.forEach((x, i) => { if (drawable(x)) dot(c, across(w, i + 1), y(x), Math.min(2.6, wide / 4 + 0.6)); });
  writeLayers(c, w, h - 6);
}

// ---- the course of training --------------------------------------------------------------------------------------

function smooth(list, span = 10) {
  return list.map((x, i) => Number.isFinite(x) ? mean(list.slice(Math.max(0, i - span + 1), i + 1)) : NaN);
}
const COURSES = { // ticks; the largest value drawn; what guessing gives
  loss: {ticks: [0, 1, 2, 3], name: v => v, top: 3, guess: Math.log(CLASSES), label: "line_ln10",
    points: run => smooth(run.losses).map((v, s) => [s, v])},
  right: {ticks: [0, 0.5, 1], name: v => `${v * 100}%`, top: 1, guess: 1 / CLASSES, label: "line_guess",
    points: run => run.tests},
};
function drawCourse(id) {
  const course = COURSES[id], shown = step ? runs : [...runs, {losses, tests}];
  const longest = Math.max(STEPS, ...shown.map(run => run.losses.length - 1));
  const [c, w, h] = open(id), left = 38, bottom = h - 18;
  const x = s => left + s / longest * (w - left - 6);
  const y = v => 6 + (1 - Math.min(v / course.top, 1.02)) * (bottom - 6);
  for (const v of course.ticks) {
    line(c, [[left, y(v)], [w - 6, y(v)]], colour.line, 1);
    write(c, course.name(v), left - 6, y(v));
  }
  for (const [s, align] of [[0, "left"], [longest / 2, "center"], [longest, "right"]]) {
    write(c, Math.round(s), x(s), h - 6, align);
  }
  line(c, [[left, y(course.guess)], [w - 6, y(course.guess)]], colour.soft, 1, [2, 3]);
  writeOver(c, T[course.label], w - 8, y(course.guess) - 8);
  shown.forEach((run, i) => {
    const now = i === shown.length - 1, style = now ? colour.ink : colour.soft;
    const points = course.points(run).map(([s, v]) => Number.isNaN(v) ? null : [x(s), y(v)]);
    const seen = points.filter(Boolean);
    c.globalAlpha = now ? 1 : Math.max(0.25, 0.6 - 0.1 * (shown.length - 2 - i));
    line(c, points, style, now ? 2.2 : 1.6);
    c.globalAlpha = 1;
    const at = seen[Math.floor((seen.length - 1) * (0.3 + 0.11 * (i % 6)))]; // its number, where curves rarely meet
    if (run.number && seen.length > 2) writeOver(c, run.number, at[0], at[1] - 7, "center", style);
  });
  if (broken !== null && id === "loss") {
    line(c, [[x(broken), 6], [x(broken), bottom]], colour.gradient, 1.5);
    write(c, say("nan_from", {k: broken}), x(broken) + 6, 16, "left", colour.gradient);
  }
}

function draw() {
  drawUnits();
  drawHistograms();
  const hidden = list => list.slice(0, set.depth + 1);
  drawSize("signal", hidden(measured.std), hidden(first.std), theory?.std, colour.signal);
  drawSize("gradient", measured.dz, first.dz, theory?.dz, colour.gradient);
  drawMoved();
  Object.keys(COURSES).forEach(drawCourse);
}
