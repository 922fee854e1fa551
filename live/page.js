// The page: controls, frames, words and tables around the pictures.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const frames = []; // the times of the last training's frames, for the tests
let preset = null, embedded = false, running = false, until = 0, drawn = 0, told = 0, distinct = [], remembering;

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// ---- what is shown -----------------------------------------------------------------------------------------------

function row(cells) {
  const tr = document.createElement("tr");
  tr.append(...cells.map(text => Object.assign(document.createElement("td"), {textContent: text})));
  return tr;
}
function tableRuns() {
  $("runs").hidden = !runs.length;
  $("runs").tBodies[0].replaceChildren(...[...runs].reverse().map(run => row([
    `${run.number}. ${runName(run.settings)}`, run.losses.length - 1,
    run.losses.some(x => !Number.isFinite(x)) ? "NaN" : mean(run.losses.slice(-20)).toFixed(3),
    percent(run.tests.at(-1)[1]), Number.isNaN(run.reached) ? "–" : short(run.reached),
  ])));
}
function tableNumbers() {
  $("numbers").tBodies[0].replaceChildren(...weightLayers().map(l => {
    const out = l > set.depth, ofHidden = text => out ? "" : text;
    return row([
      out ? T.out : l, exact(measured.std[l]), ofHidden(exact(theory?.std[l])),
      exact(measured.dz[l]), ofHidden(exact(theory?.dz[l])),
      percent(moved(l)), percent(measured.update[l]), ofHidden(percent(measured.flat[l])),
      `${distinct[l]} / ${units(l)}`,
    ]);
  }));
}
function showWords() {
  $("now").textContent = sentence(distinct);
  $("count").textContent = say("at_step", {step});
  $("layer").textContent = layerWords(chosen, distinct);
  $("chosen").max = set.depth, $("chosen").value = chosen;
  $("chosen").setAttribute("aria-valuetext", $("layer").textContent);
}
function showAll() { // what changes with the settings and at the end of a training
  draw();
  distinct = distinctUnits();
  showWords();
  for (const id of PICTURES) $(id).setAttribute("aria-label", alternative(id));
  tableRuns();
  tableNumbers();
  $("python").textContent = python();
  $("train").textContent = running ? T.pause : T.train;
  document.body.dataset.state = running ? "training" : "ready";
}
function showFrame() { // while training: pictures in each frame, words five times a second
  draw();
  const now = performance.now();
  if (now - told < 200) return;
  told = now;
  showWords();
}

// ---- training ----------------------------------------------------------------------------------------------------

function frame(time) {
  if (!running) return;
  frames.push(time);
  const begun = performance.now(), [budget, max] = still.matches ? [40, 1000] : [10, 3];
  for (let n = 1; n <= max && step < until && broken === null; n++) {
    advance();
    if ((performance.now() - begun) * (n + 1) / n > budget) break; // the next would not fit
  }
  if (step >= until || broken !== null) return stop();
  if (!still.matches || begun - drawn > 500) drawn = begun, showFrame(); // without motion: a picture now and then
  requestAnimationFrame(frame);
}
function stop() {
  running = false;
  finish();
  showAll();
  $("spoken").textContent = $("now").textContent;
}
function train() {
  if (running) return stop();
  running = true;
  until = step + STEPS;
  frames.length = 0;
  showAll();
  requestAnimationFrame(frame);
}
function reset() {
  running = false;
  chosen = Math.min(chosen, set.depth);
  forgetRanges();
  begin();
  showAll();
}

// ---- controls ----------------------------------------------------------------------------------------------------

const address = () => new URLSearchParams({...set, ...(preset ? {preset} : {})});
function showSettings() {
  for (const id of ["activation", "fill", "law", "wiring", "seed"]) $(id).value = set[id];
  $("depth").value = set.depth, $("width").value = set.width, $("rate").value = Math.log10(set.rate);
  const v = variance(2), k = v === null ? null : set.fill === "free" ? set.scale : v * set.width;
  if (k !== null) $("scale").value = Math.log10(k);
  $("scale_out").textContent = k === null ? "–" : Number(k.toPrecision(3));
  $("scale").setAttribute("aria-valuetext", $("scale_out").textContent);
  $("rate").setAttribute("aria-valuetext", set.rate);
  $("depth_out").textContent = set.depth, $("width_out").textContent = set.width, $("rate_out").textContent = set.rate;
  for (const button of document.querySelectorAll("#presets button")) {
    button.setAttribute("aria-pressed", button.dataset.name === preset);
  }
  $("claim").textContent = preset ? T["claim_" + preset] : T.claim_none;
  clearTimeout(remembering); // browsers limit how often
  if (!embedded) remembering = setTimeout(() => history.replaceState(null, "", "#" + address()), 400);
}
function change(settings, name = null) {
  Object.assign(set, settings);
  preset = name;
  showSettings();
  reset();
}

/** Settings from the address, as a lecturer may have linked them; "embed": a figure within a page of another. */
function restore() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  Object.assign(set, START), preset = null;
  embedded = "embed" in given;
  document.body.classList.toggle("embedded", embedded);
  if (presetSettings(given.preset)) preset = given.preset, Object.assign(set, presetSettings(preset));
  const choices = {activation: ACTIVATIONS, fill: FILLS, law: LAWS, wiring: WIRINGS};
  for (const [name, known] of Object.entries(choices)) {
    if (Object.hasOwn(known, given[name] ?? "")) set[name] = given[name];
  }
  const bounds = {scale: [0.001, 1000], depth: [1, MAX_DEPTH, 1], width: [WIDTHS.min, WIDTHS.max, WIDTHS.step],
    rate: [0.0001, 10], seed: [0, Number.MAX_SAFE_INTEGER, 1]};
  for (const [name, [low, high, multiple]] of Object.entries(bounds)) {
    const x = Number(given[name]);
    if (given[name] && x >= low && x <= high && (!multiple || x % multiple === 0)) set[name] = x;
  }
  showSettings();
  reset();
}

function makePresets() {
  for (const [group, items] of Object.entries(PRESETS)) {
    const div = $("presets").appendChild(document.createElement("div"));
    const title = document.createElement("span");
    title.id = "group_" + group, title.textContent = T[title.id];
    div.setAttribute("role", "group"), div.setAttribute("aria-labelledby", title.id);
    div.append(title, ...Object.entries(items).map(([name, settings]) => {
      const button = document.createElement("button");
      button.type = "button", button.textContent = T["preset_" + name], button.dataset.name = name;
      button.onclick = () => {
        change({...START, ...settings, seed: set.seed}, name);
        train();
        if (innerWidth <= 780) $("claim").scrollIntoView({behavior: still.matches ? "auto" : "smooth"});
      };
      return button;
    }));
  }
}
const rounded = (power, digits) => Number((10 ** Number(power)).toPrecision(digits)); // a slider on a log scale
function choose(layer) {
  chosen = Math.max(1, Math.min(set.depth, layer));
  draw();
  showWords();
}
function makeControls() {
  for (const id of ["activation", "fill", "law", "wiring"]) $(id).onchange = () => change({[id]: $(id).value});
  $("scale").oninput = () => change({fill: "free", scale: rounded($("scale").value, 3)});
  for (const id of ["depth", "width"]) $(id).oninput = () => change({[id]: Number($(id).value)});
  $("rate").oninput = () => change({rate: rounded($("rate").value, 2)});
  $("seed").onchange = () => {
    const x = Number($("seed").value);
    change({seed: Number.isSafeInteger(x) && x >= 0 ? x : 0}, preset);
  };
  $("controls").onsubmit = event => event.preventDefault();
  $("train").onclick = train;
  $("step").onclick = () => {
    if (running) stop();
    advance();
    showAll();
    $("spoken").textContent = $("now").textContent;
  };
  $("reset").onclick = reset;
  $("chosen").oninput = () => choose(Number($("chosen").value));
  $("rows").onpointermove = $("rows").onpointerdown = event => {
    const box = $("units").getBoundingClientRect();
    const layer = Math.ceil((event.clientX - box.left - LEFT) / column(box.width));
    if (layer !== chosen && layer >= 1 && layer <= set.depth) choose(layer);
  };
  for (const link of document.querySelectorAll(".other, .whole")) link.onclick = () => { link.hash = address(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); draw(); });
  addEventListener("resize", draw);
  addEventListener("hashchange", restore);
}

async function openPage() {
  await setUp(...await Promise.all([unpack(PACKED.wasm), unpack(PACKED.digits)]));
  makePresets();
  makeControls();
  readColours();
  restore();
}
openPage().catch(error => { $("now").textContent = say("cannot", {error}); });
