// The experiment, without a page: settings -> weights from the library's core -> steps of training, measured.

const INPUTS = 64, CLASSES = 10, BATCH = 64, TRAINING = 1400, STEPS = 500, TEST_EVERY = 25;
const MEASURES = ["mean", "std", "flat", "dz", "moved", "first", "update"]; // network.c's, in its order
const LAWS = {uniform: 0, normal: 1, truncated: 2};
const CONSTANT = 3;
const ACTIVATIONS = {sigmoid: 0, tanh: 1, relu: 2};
const WIRINGS = {plain: 0, residual: 1, normalised: 2};
const TRUNCATED_STD = 0.8796256610342398; // of a standard normal cut at 2
const WIDTHS = {min: 16, max: 128, step: 16}, MAX_DEPTH = 30;

// What a fill asks for: n Var w (k; fan: over the inputs, or the mean of inputs and outputs), a std, one value, a gain.
const FILLS = {
  zero: {constant: 0}, constant: {constant: 0.05}, small: {std: 0.01}, large: {std: 1},
  xavier: {k: 1}, sixteen: {k: 16}, glorot: {k: 1, average: true}, he: {k: 2}, orthogonal: {orthogonal: true}, free: {},
};
const START = {
  activation: "tanh", fill: "xavier", scale: 1, law: "normal", wiring: "plain",
  depth: 8, width: 64, rate: 0.05, seed: 0,
};
const PRESETS = { // by group
  symmetry: {zero: {fill: "zero", depth: 5}, constant: {fill: "constant", depth: 5}},
  scale: {
    vanishing: {fill: "small", depth: 10},
    exploding: {activation: "relu", fill: "large", depth: 10},
    saturated: {fill: "large", depth: 10},
  },
  tanh: {
    half: {fill: "free", scale: 0.5, depth: 30, rate: 0.03},
    xavier: {depth: 30, rate: 0.03},
    orthogonal: {fill: "orthogonal", depth: 30, rate: 0.03},
    eight: {fill: "free", scale: 8, depth: 30, rate: 0.03},
  },
  relu: {
    relu_xavier: {activation: "relu", depth: 24, rate: 0.01},
    he: {activation: "relu", fill: "he", depth: 24, rate: 0.01},
  },
  sigmoid: {
    sigmoid_5: {activation: "sigmoid", fill: "sixteen", depth: 5, rate: 0.2},
    sigmoid_20: {activation: "sigmoid", fill: "sixteen", depth: 20},
    sigmoid_103: {activation: "sigmoid", fill: "free", scale: 103, depth: 20},
  },
  today: {
    residual: {fill: "small", depth: 10, wiring: "residual"},
    normalised: {activation: "relu", fill: "large", depth: 10, wiring: "normalised"},
  },
};
const presetSettings = name => Object.values(PRESETS).find(group => Object.hasOwn(group, name))?.[name];

let core, images, labels, pixel; // the module's exports; the digits; what a pixel of 0 to 16 is to the network
let set = {...START};
// a run: its steps; losses by step; shares right, by step; the first step whose loss is not finite; measures by layer,
// now and at the start; what theory expects; the images of this batch, and their order by digit
let step, losses, tests, broken, measured, first, theory, picked, order;
const runs = []; // so far, the newest last

const mean = list => list.reduce((sum, x) => sum + x, 0) / list.length;
const floats = (at, n) => new Float32Array(core.memory.buffer, at, n);
const fanIn = layer => layer === 1 ? INPUTS : set.width;
const units = layer => layer === 0 ? INPUTS : layer <= set.depth ? set.width : CLASSES;
const hiddenLayers = () => Array.from({length: set.depth}, (_, i) => i + 1);
const weightLayers = () => Array.from({length: set.depth + 1}, (_, i) => i + 1);

/** Take the module and the digits: images of 64 bytes, then as many labels. */
async function setUp(wasm, digits) {
  core = (await WebAssembly.instantiate(wasm, {})).instance.exports;
  core._initialize?.();
  images = digits.subarray(0, digits.length / 65 * 64), labels = digits.subarray(images.length);
  const average = mean(images), std = Math.sqrt(mean(Array.from(images, v => (v - average) ** 2)));
  pixel = Float32Array.from({length: 17}, (_, v) => (v - average) / std);
}

// ---- how weights begin -------------------------------------------------------------------------------------------

const orthogonalGain = () => set.activation === "relu" ? Math.SQRT2 : 1;

/** Of a layer's weights; null: they are all alike. */
function variance(layer) {
  const fill = FILLS[set.fill], n = fanIn(layer), m = units(layer);
  if ("constant" in fill) return null;
  if (fill.orthogonal) return orthogonalGain() ** 2 / Math.max(n, m);
  return fill.std ? fill.std ** 2 : (fill.k ?? set.scale) / (fill.average ? (n + m) / 2 : n);
}

function fillLayer(layer) {
  const fill = FILLS[set.fill], out = core.weight(layer), n = fanIn(layer), m = units(layer), number = layer - 1;
  if ("constant" in fill) return core.fill(CONSTANT, fill.constant, 0, 0, 0, 0, 0, n * m, out);
  if (fill.orthogonal) return core.orthogonal(m, n, orthogonalGain(), set.seed, number, out);
  const std = fill.std ?? Math.sqrt(variance(layer)), wide = std / TRUNCATED_STD;
  const edge = Math.fround(set.law === "uniform" ? Math.sqrt(3) * std : 2 * wide);
  const [p, q] = {uniform: [-edge, edge], normal: [0, std], truncated: [0, wide]}[set.law];
  return core.fill(LAWS[set.law], p, q, -edge, edge, set.seed, number, n * m, out);
}

// ---- training ----------------------------------------------------------------------------------------------------

function load(chosen) { // these images into the network's input
  const x = floats(core.values(0), INPUTS * BATCH), y = new Uint8Array(core.memory.buffer, core.labels(), BATCH);
  for (let b = 0; b < BATCH; b++) {
    for (let i = 0; i < INPUTS; i++) x[i * BATCH + b] = pixel[images[chosen[b] * INPUTS + i]];
    y[b] = labels[chosen[b]];
  }
}

/** The network as it is, on this step's batch: forwards, backwards, measured. Its loss. */
function look() {
  core.fill(LAWS.uniform, 0, 1, 0, 0, set.seed, 1000 + step, BATCH, core.room());
  picked = Array.from(floats(core.room(), BATCH), u => Math.min(Math.floor(u * TRAINING), TRAINING - 1));
  order = picked.map((_, b) => b).sort((a, b) => labels[picked[a]] - labels[picked[b]] || a - b);
  load(picked);
  const loss = core.forward(core.room());
  core.backward();
  core.measure();
  const all = new Float64Array(core.memory.buffer, core.measures(), (set.depth + 2) * MEASURES.length);
  const column = i => Array.from({length: set.depth + 2}, (_, layer) => all[layer * MEASURES.length + i]);
  measured = Object.fromEntries(MEASURES.map((name, i) => [name, column(i)]));
  return loss;
}

function note(loss) {
  losses.push(loss);
  if (broken === null && !Number.isFinite(loss)) broken = step;
}

/** The share of digits never trained on that come out right. */
function test() {
  let right = 0;
  for (let at = TRAINING; at < labels.length; at += BATCH) {
    load(Array.from({length: BATCH}, (_, b) => Math.min(at + b, labels.length - 1)));
    core.forward(core.room());
    const scores = floats(core.values(set.depth + 1), CLASSES * BATCH);
    for (let b = 0; b < BATCH && at + b < labels.length; b++) {
      let best = 0;
      for (let i = 1; i < CLASSES; i++) if (scores[i * BATCH + b] > scores[best * BATCH + b]) best = i;
      right += best === labels[at + b];
    }
  }
  tests.push([step, right / (labels.length - TRAINING)]);
}

/** A new network by the settings, before its first step. */
function begin() {
  core.shape(set.depth, set.width, ACTIVATIONS[set.activation], WIRINGS[set.wiring]);
  weightLayers().forEach(fillLayer);
  core.start();
  step = 0, losses = [], tests = [], broken = null;
  test();
  note(look());
  first = measured;
  theory = predict();
}

/** One step of gradient descent. */
function advance() {
  if (step === 0) {
    const reached = first.dz[1] / first.dz[set.depth];
    runs.push({number: (runs.at(-1)?.number ?? 0) + 1, settings: {...set}, losses, tests, reached});
    if (runs.length > 6) runs.shift();
  }
  core.update(set.rate);
  step++;
  if (step % TEST_EVERY === 0) test();
  note(look());
}

/** After the last step: the share right, if it was not just counted. */
function finish() {
  if (tests.at(-1)[0] === step) return;
  test();
  look(); // the batch in the network is this step's again
}

const lossNow = () => step ? mean(losses.slice(-20)) : losses[0];
const moved = layer => measured.moved[layer] / (first.first[layer] || 1);
const distinctUnits = () => Array.from({length: set.depth + 2}, (_, layer) => layer ? core.distinct(layer) : 0);
