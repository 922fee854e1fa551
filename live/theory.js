// What theory expects of a wide random network, layer by layer.

/** E tanh(z)^2 and E tanh'(z)^2 for z ~ N(0, q). */
function tanhMoments(q) {
  if (!(q > 0)) return [0, 1];
  const s = Math.sqrt(q), h = Math.min(8 * s, 40) / 400;
  let square = 0, rest = 0, slope = 0;
  for (let i = -400; i <= 400; i++) {
    const z = i * h, w = Math.exp(-z * z / (2 * q)) * h / (s * Math.sqrt(2 * Math.PI)), t = Math.tanh(z), d = 1 - t * t;
    square += w * t * t, rest += w * d, slope += w * d * d;
  }
  return [q < 1 ? square : 1 - rest, slope];
}

/** For z ~ N(0, q): mean and mean square of f(z), mean square of f'(z). */
function moments(q) {
  if (set.activation === "relu") return {mean: Math.sqrt(q / (2 * Math.PI)), square: q / 2, slope: 0.5};
  if (set.activation === "tanh") {
    const [square, slope] = tanhMoments(q);
    return {mean: 0, square, slope};
  }
  const [square, slope] = tanhMoments(q / 4); // sigmoid(z) = (1 + tanh(z / 2)) / 2
  return {mean: 0.5, square: (1 + square) / 4, slope: slope / 16};
}

/** std of a and rms of dL/dz by layer; the gradient starts from what was measured at the output.
 *
 * null: weights without chance; or a residual network whose activations have a mean. That grows from layer to layer,
 * and then the slopes f'(z) of a layer's units depend on its weights, which theory takes for independent. */
function predict() {
  if (variance(1) === null || (set.wiring === "residual" && set.activation !== "tanh")) return null;
  const x = floats(core.values(0), INPUTS * BATCH), D = set.depth, std = [], dz = [];
  const slopes = [], spread = []; // by layer: E f'(z)^2; Var u, by which a normalised layer divides
  const residual = set.wiring === "residual", normalised = set.wiring === "normalised";
  let square = x.reduce((sum, v) => sum + v * v, 0) / x.length; // of a
  for (let l = 1; l <= D; l++) {
    const q = fanIn(l) * variance(l) * square, u = q + 1e-5, f = moments(normalised ? q / u : q);
    square = f.square + (residual && l > 1 ? square : 0);
    std[l] = Math.sqrt(square - f.mean ** 2), slopes[l] = f.slope, spread[l] = normalised ? u : 1;
  }
  dz[D + 1] = measured.dz[D + 1];
  let back = units(D + 1) * variance(D + 1) * dz[D + 1] ** 2; // mean square of dL/da
  for (let l = D; l >= 1; l--) {
    dz[l] = Math.sqrt(back * slopes[l]);
    back = units(l) * variance(l) * back * slopes[l] / spread[l] + (residual && l > 1 ? back : 0);
  }
  return {std, dz};
}
