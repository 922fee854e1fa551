// What the page says: numbers in words' company, one sentence about what is happening, the same weights in Python.

const say = (key, values = {}) => T[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
const raised = n => String(n).replace(/[-\d]/g, c => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]);
const notFinite = x => Number.isNaN(x) ? "NaN" : x < 0 ? "-∞" : "∞";

/** A size in a sentence: 0.31, 42, 10⁻⁹. */
function short(x) {
  if (!Number.isFinite(x)) return notFinite(x);
  const size = Math.abs(x);
  return size === 0 || (size >= 0.01 && size < 1000) ? String(Number(x.toPrecision(2)))
    : "10" + raised(Math.round(Math.log10(size)));
}
/** A number in a table: 0.314, 4.2·10⁻⁹. */
function exact(x) {
  if (x === undefined) return "";
  if (!Number.isFinite(x)) return notFinite(x);
  const size = Math.abs(x);
  if (size === 0 || (size >= 0.001 && size < 1000)) return String(Number(x.toPrecision(3)));
  const [digits, power] = x.toExponential(1).split("e");
  return `${digits}·10${raised(Number(power))}`;
}
function percent(x) {
  if (!Number.isFinite(x)) return "NaN";
  const times = x * 100;
  if (x >= 10) return `${short(x)}×`;
  if (x < 0.001) return `${short(times)}%`;
  return x > 1 ? `${Number(times.toPrecision(2))}%` : `${times.toFixed(x < 0.1 ? 1 : 0)}%`;
}

const activationName = f => f === "relu" ? "ReLU" : f;
const fillName = ({fill, scale}) => fill === "free" ? say("free_name", {k: scale}) : T["f_" + fill];
function runName(settings) {
  const wired = settings.wiring === "plain" ? "" : `, ${T["w_" + settings.wiring]}`;
  const named = {activation: activationName(settings.activation), fill: fillName(settings)};
  return say("run_label", {...settings, ...named}) + wired;
}

/** What became of the signal, measured at the start: later, biases spread the activations too. */
function signalWords(ratio, flat) {
  const values = {depth: set.depth, ratio: short(ratio)};
  if (ratio < 0.03) return say("s_signal_fades", values);
  if (ratio > 30) return say("s_signal_grows", values);
  if (set.activation !== "relu" && flat > 0.4) return say("s_flat", {share: percent(flat), f: set.activation});
  return say("s_signal_keeps", values);
}
/** What became of the gradient: now, and at the start. */
function gradientWords(now, start) {
  const values = {ratio: short(now), moved: percent(moved(1))};
  if (step && start > 30 && moved(1) > 0.5) return say("s_gradient_threw", {...values, ratio: short(start)});
  if (now < 0.03) return say(step ? "s_gradient_fades_moved" : "s_gradient_fades", values);
  if (now > 30) return say(step ? "s_gradient_grows_moved" : "s_gradient_grows", values);
  return say("s_gradient_keeps", values);
}
function lossWords() {
  const loss = lossNow(), right = tests.at(-1)[1], guessing = right < 0.16 || loss > 2.25;
  const kind = !step ? "start" : loss > 2.6 ? "worse" : guessing ? "guessing" : loss < 0.6 ? "learns" : "slowly";
  return say("s_" + kind, {step, loss: loss.toFixed(2), right: percent(right)});
}
/** What is happening, from what was measured. */
function sentence(distinct) {
  const D = set.depth;
  if (broken !== null) {
    return say(step && broken ? "s_nan" : "s_nan_0", {k: broken, std: short(first.std[D]), depth: D});
  }
  if (hiddenLayers().every(l => measured.dz[l] === 0 && measured.std[l] === 0)) {
    return `${T.s_no_gradient} ${lossWords()}`;
  }
  if (hiddenLayers().every(l => distinct[l] === 1)) return `${say("s_twins", {width: set.width})} ${lossWords()}`;
  if (D === 1) return lossWords();
  const signal = first.std[D] / first.std[1], gradient = first.dz[1] / first.dz[D];
  const flat = mean(hiddenLayers().map(l => measured.flat[l])), kept = x => x >= 0.03 && x <= 30;
  if (step && kept(signal) && kept(gradient) && (set.activation === "relu" || flat <= 0.4)) {
    return `${say("s_kept", {depth: D, signal: short(signal), gradient: short(gradient)})} ${lossWords()}`;
  }
  return [signalWords(signal, flat), gradientWords(measured.dz[1] / measured.dz[D], gradient), lossWords()].join(" ");
}

function layerWords(layer, distinct) {
  const values = {
    layer, width: set.width, distinct: distinct[layer], moved: percent(moved(layer)),
    std: exact(measured.std[layer]), dz: exact(measured.dz[layer]), update: percent(measured.update[layer]),
  };
  const start = theory ? say("layer_theory", {std: exact(theory.std[layer]), dz: exact(theory.dz[layer])}) : "";
  return `${say("layer_line", values)} ${start}`.trim();
}

/** What a picture shows, for who cannot see it. */
function alternative(id) {
  const D = set.depth, ends = (title, of) => `${title} ${say("alt_layers", {depth: D, first: of(1), last: of(D)})}`;
  const course = (title, value) => `${title} ${say("alt_course", {step, value})}`;
  const movements = l => say("alt_moved", {moved: percent(moved(l)), update: percent(measured.update[l])});
  return {
    units: () => `${T.cap_units} ${T.cap_units_more}`,
    hist: () => `${T.cap_hist} ${ends("", l => say("alt_flat", {share: percent(measured.flat[l])}))}`,
    signal: () => ends(T.cap_signal, l => exact(measured.std[l])),
    gradient: () => ends(T.cap_gradient, l => exact(measured.dz[l])),
    moved: () => ends(T.cap_moved, movements),
    loss: () => course(T.cap_loss, broken === null ? lossNow().toFixed(2) : "NaN"),
    right: () => course(T.cap_right, percent(tests.at(-1)[1])),
  }[id]();
}

/** Python code that gives the weights with which this network begins. */
function python() {
  const fill = FILLS[set.fill], s = fill.std;
  const law = {normal: "normal", uniform: "uniform", truncated: "truncated_normal"}[set.law];
  const scale = fill.k ?? set.scale, mode = fill.average ? "fan_avg" : "fan_in";
  const scaled = `fastinit.variance_scaling_(w, ${scale}, "${mode}", "${law}", generator=g)`;
  const drawn = { // of this std
    normal: `fastinit.normal_(w, std=${s}, generator=g)`,
    uniform: `r = 3**0.5 * ${s}\n    fastinit.uniform_(w, -r, r, generator=g)`,
    truncated: `s = ${s} / fastinit.truncated_std(-2, 2)
    fastinit.trunc_normal_(w, std=s, a=-2 * s, b=2 * s, generator=g)`,
  };
  const line = set.fill === "zero" ? "fastinit.zeros_(w)"
    : "constant" in fill ? `fastinit.constant_(w, ${fill.constant})`
    : fill.orthogonal ? `fastinit.orthogonal_(w, ${set.activation === "relu" ? "2**0.5" : 1}, generator=g)`
    : s ? drawn[set.law] : scaled;
  const some = Array.from(floats(core.weight(1), 4), x => x.toPrecision(9)).join(", ");
  return `import numpy as np, fastinit

g = fastinit.Generator(${set.seed})
sizes = [${INPUTS}] + [${set.width}] * ${set.depth} + [${CLASSES}]
weights = [np.empty((m, n), np.float32) for n, m in zip(sizes, sizes[1:])]
for w in weights:
    ${line}

${step ? "" : `weights[0][0, :4]    # ${some}\n`}# ${T.python_same}`;
}
