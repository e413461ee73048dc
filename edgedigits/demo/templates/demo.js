"use strict";
(async () => {
  const element = (id) => document.getElementById(id);
  const facts = JSON.parse(element("facts").textContent);
  const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytesOf(element("wasm").textContent));
  const engine = instance.exports;
  const memory = (place, length, Kind) => new Kind(engine.memory.buffer, place, length);
  const pixels = memory(engine.pixels_at(), 784, Uint8Array);
  const picture = memory(engine.picture_at(), facts.screen ** 2, Uint8Array);
  const input = memory(engine.input_at(), facts.side ** 2, Int8Array);
  const output = memory(engine.output_at(), 10, Int8Array);
  const influence = memory(engine.influence_at(), facts.side ** 2, Int16Array);

  const told = (sentence) => { element("photo-told").textContent = sentence; };

  function readPaper() {
    told("");
    element("strip").querySelector("[aria-pressed=true]")?.setAttribute("aria-pressed", false);
    picture.set(pad.pixels());
    const found = engine.fit(facts.screen, facts.screen, 0);
    engine.preprocess(0);
    show(engine.classify(), found !== 0);
  }

  // The share of each class: softmax of the scores over the temperature; those of a softmax are shares already.
  function shares() {
    const steps = Array.from(output, facts.temperature ? (score) => Math.exp((score - Math.max(...output)) / facts.temperature) : (score) => score + 128);
    const all = steps.reduce((sum, one) => sum + one, 0) || 1;
    return steps.map((one) => one / all);
  }

  function show(decision, isInk) {
    const scores = Array.from(output);
    const order = scores.map((_, digit) => digit).sort((a, b) => scores[b] - scores[a] || a - b);
    const [best, second] = order;
    const lead = scores[best] - scores[second];
    const share = shares();
    element("said").replaceChildren(...(isInk ? words(best, second, lead, share[best], decision === 10) : ["Nothing is drawn yet."]));
    Array.from(element("bars").children).forEach((row, digit) => {
      row.className = isInk && digit === best ? "best" : "";
      row.children[1].firstChild.style.width = `${isInk ? (100 * (scores[digit] + 128)) / 255 : 0}%`;
      row.children[2].textContent = isInk ? `${scores[digit]} (${(100 * share[digit]).toFixed(1)}%)` : "–";
    });
    paint(element("seen"), input);
    explain(best, isInk);
  }

  function words(best, second, lead, share, refused) {
    const digit = document.createElement("b");
    digit.textContent = refused ? "?" : best;
    const steps = `${lead} ${lead === 1 ? "step" : "steps"}`;
    const told = refused
      ? ` refused: ${best} leads ${second} by ${steps}, and ${facts.reject} are asked for.`
      : ` ${(100 * share).toFixed(1)}%; it leads ${second} by ${steps}${facts.reject ? `, of ${facts.reject} that are asked for` : ""}.`;
    return [digit, told];
  }

  function paint(canvas, values, background = facts.background, ink = facts.ink) {
    const drawing = canvas.getContext("2d");
    const image = drawing.createImageData(canvas.width, canvas.height);
    values.forEach((value, place) => {
      const grey = (255 * (value - background)) / (ink - background);
      image.data.set([grey, grey, grey, 255], 4 * place);
    });
    drawing.putImageData(image, 0, 0);
  }

  function explain(best, isInk) {
    const drawing = element("why").getContext("2d");
    const image = drawing.createImageData(facts.side, facts.side);
    if (isInk) {
      engine.explain(facts.side, best, facts.background);
      const most = influence.reduce((largest, one) => Math.max(largest, Math.abs(one)), 1);
      influence.forEach((steps, place) => {
        image.data.set([...(steps > 0 ? [0, 114, 178] : [213, 94, 0]), (255 * Math.abs(steps)) / most], 4 * place);
      });
    }
    drawing.putImageData(image, 0, 0);
  }

  const isExpected = (vector) => vector.output.every((score, digit) => score === output[digit]);

  function runVector(vector) {
    input.set(new Int8Array(bytesOf(vector.input).buffer));
    return engine.classify();
  }

  // A button with a small picture, and what is told of it.
  function pictured(side, told, chosen) {
    const button = document.createElement("button");
    const canvas = document.createElement("canvas");
    const words = document.createElement("span");
    button.type = "button";
    canvas.width = canvas.height = side;
    words.textContent = told;
    button.append(canvas, words);
    button.addEventListener("click", chosen);
    return [button, canvas];
  }

  function readDigit(digit) {
    pixels.set(digit);
    engine.preprocess(0);
    return engine.classify();
  }

  // A digit as large as the paper.
  function enlarged(digit) {
    const within = (line) => Math.floor((28 * line) / pad.side);
    return Uint8Array.from({ length: pad.side ** 2 }, (_, place) => digit[28 * within(Math.floor(place / pad.side)) + within(place % pad.side)]);
  }

  async function unpack(text) {
    const packed = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(packed).arrayBuffer());
  }

  // One stop of the Tab key, with arrows from digit to digit.
  function walk(strip) {
    const buttons = Array.from(strip.children);
    const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -buttons.length, End: buttons.length };
    buttons.forEach((button, at) => { button.tabIndex = at ? -1 : 0; });
    strip.addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      const at = buttons.indexOf(document.activeElement) + steps[event.key];
      buttons[Math.min(Math.max(at, 0), buttons.length - 1)].focus();
      event.preventDefault();
    });
    strip.addEventListener("focusin", (event) => buttons.forEach((button) => { button.tabIndex = button === event.target ? 0 : -1; }));
  }

  async function layStrip() {
    const all = await unpack(facts.digits.packed);
    facts.digits.labels.forEach((label, at) => {
      const digit = all.subarray(784 * at, 784 * (at + 1));
      const read = readDigit(digit);
      const [button, canvas] = pictured(28, read === label ? `${label}, read` : `${label}, read as ${read === 10 ? "?" : read}`, () => {
        pad.put(enlarged(digit));
        show(readDigit(digit), true);
        for (const one of element("strip").children) one.setAttribute("aria-pressed", one === button);
        element("answer").scrollIntoView({ block: "nearest" });
      });
      button.className = read === label ? "" : "misread";
      paint(canvas, digit, 0, 255);
      element("strip").append(button);
    });
    walk(element("strip"));
  }

  const pad = drawingPad(element("paper"), readPaper);
  element("clear").addEventListener("click", pad.clear);
  takePictures(pad, element("photo"), told);

  for (let digit = 0; digit < 10; digit++) {
    const row = document.createElement("li");
    row.innerHTML = `<b>${digit}</b><div><i></i></div><span></span>`;
    element("bars").append(row);
  }
  for (const vector of facts.vectors) {
    runVector(vector);
    const told = `${vector.name}: ${isExpected(vector) ? "as expected" : "NOT as expected"}`;
    const [button, canvas] = pictured(facts.side, told, () => { pad.clear(); show(runVector(vector), true); });
    paint(canvas, input);
    const item = document.createElement("li");
    item.append(button);
    element("vectors").append(item);
  }
  function showTime() {
    const board = facts.boards.find((one) => one.name === element("board").value);
    const microseconds = Number((board.cycles / board.mhz).toPrecision(2));
    element("takes").textContent = `about ${microseconds.toLocaleString("en")} µs an image, estimated: ${board.cycles.toLocaleString("en")} cycles of ${board.core} at ${board.mhz} MHz`;
  }
  if (facts.boards.length) {
    element("board").addEventListener("change", showTime);
    showTime();
  }
  element("test").addEventListener("click", () => {
    const isModel = engine.digest() >>> 0 === parseInt(facts.digest.slice(0, 8), 16);
    const failed = engine.self_test();
    element("tested").textContent = failed === 0 && isModel
      ? `passed: weights by CRC-32, ${facts.vectors.length} golden inputs, digest of the model`
      : `failed: ${isModel ? `code ${failed}` : "the engine is of another model"}`;
  });
  if (facts.digits.labels.length) await layStrip();
  pad.clear();
  document.documentElement.dataset.ready = "yes";
})();
