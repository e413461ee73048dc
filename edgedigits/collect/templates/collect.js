"use strict";
(async () => {
  const element = (id) => document.getElementById(id);
  const facts = JSON.parse(element("facts").textContent);
  const labels = Array.from({ length: 10 }, (_, digit) => digit);
  const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const textOf = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const counts = Array(10).fill(0);
  let reading = false;
  let again = false;

  async function ask(method, place, given) {
    const sent = given === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) };
    let found;
    try {
      const answer = await fetch(place, { method, ...sent });
      found = await answer.json();
    } catch {
      found = { error: "edgedigits collect does not answer any more: start it again." };
    }
    element("told").textContent = found.error || "";
    return found.error ? null : found;
  }

  const drawn = () => ({ picture: textOf(pad.pixels()), side: facts.side });

  function paint(canvas, pixels) {
    const drawing = canvas.getContext("2d");
    const image = drawing.createImageData(28, 28);
    pixels.forEach((grey, place) => image.data.set([grey, grey, grey, 255], 4 * place));
    drawing.putImageData(image, 0, 0);
  }

  // One question at a time: of strokes that come meanwhile the last state counts.
  async function read() {
    if (reading) { again = true; return; }
    reading = true;
    const found = await ask("POST", "read", drawn());
    if (found) {
      paint(element("fitted"), bytesOf(found.pixels));
      element("said").textContent = !found.ink ? "Nothing is drawn yet." : found.said ? words(found.said) : "";
    }
    reading = false;
    if (again) { again = false; read(); }
  }

  const words = (said) => (said.refused ? `Refused; nearest is ${said.digit}.` : `Read as ${said.digit}.`);

  async function keep(label, given) {
    const entry = await ask("POST", "digits", { ...given, label });
    if (entry) put(entry);
    return entry !== null;
  }

  async function keepDrawn(label) {
    if (await keep(label, drawn())) pad.clear();
  }

  function count(label, by) {
    counts[label] += by;
    const all = counts.reduce((sum, one) => sum + one, 0);
    const each = labels.filter((digit) => counts[digit]).map((digit) => `${counts[digit]} × ${digit}`);
    element("counts").textContent = all ? `${all} ${all === 1 ? "digit" : "digits"}: ${each.join(", ")}.` : "No digit yet.";
  }

  function choice(name, chosen) {
    const list = document.createElement("select");
    list.setAttribute("aria-label", name);
    if (chosen === null) list.add(new Option("?", ""));
    for (const digit of labels) list.add(new Option(digit, digit, digit === chosen, digit === chosen));
    return list;
  }

  function item(pixels, name, ...controls) {
    const place = document.createElement("li");
    const picture = document.createElement("canvas");
    picture.width = picture.height = 28;
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", name);
    paint(picture, bytesOf(pixels));
    const row = document.createElement("div");
    row.append(...controls);
    place.append(picture, row);
    return place;
  }

  function button(text, name, pressed) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", pressed);
    return made;
  }

  function put(entry) {
    let label = entry.label;
    const list = choice(`Label of digit ${entry.key + 1}`, label);
    list.addEventListener("change", async () => {
      const changed = await ask("PUT", `digits/${entry.key}`, { label: Number(list.value) });
      if (changed) { count(label, -1); label = changed.label; count(label, 1); }
      list.value = label;
    });
    const gone = button("×", `Remove digit ${entry.key + 1}`, async () => {
      if (await ask("DELETE", `digits/${entry.key}`)) { place.remove(); count(label, -1); }
    });
    const place = item(entry.pixels, `Digit ${entry.key + 1}`, list, gone);
    element("digits").prepend(place);
    count(label, 1);
  }

  function showSeen(one) {
    const said = one.digit === null ? "refused" : `read as ${one.digit}`;
    const list = choice(`What picture ${one.number} is`, one.digit);
    const told = document.createElement("span");
    told.className = "how";
    told.textContent = said;
    const kept = button("Keep", `Keep picture ${one.number}`, async () => {
      if (await keep(Number(list.value), { pixels: one.pixels })) place.remove();
    });
    // What the board refused has no label until a person gives it one.
    const guard = () => { kept.disabled = list.value === ""; };
    list.addEventListener("change", guard);
    guard();
    const place = item(one.pixels, `Picture ${one.number}, ${said}`, list, kept);
    place.append(told);
    element("seen").prepend(place);
  }

  async function watch(after) {
    const found = await ask("GET", `seen/${after}`);
    for (const one of found ? found.seen : []) { showSeen(one); after = one.number; }
    const lost = found && found.lost;
    if (lost) { element("lost").textContent = lost; element("lost").hidden = false; }
    if (found && !lost) setTimeout(() => watch(after), 700);
  }

  const toldOfPhoto = (sentence) => { element("photo-told").textContent = sentence; };
  const pad = drawingPad(element("paper"), () => { toldOfPhoto(""); read(); });
  for (const digit of labels) element("labels").append(button(digit, `Keep as ${digit}`, () => keepDrawn(digit)));
  element("clear").addEventListener("click", pad.clear);
  takePictures(pad, element("photo"), toldOfPhoto);
  element("paper").addEventListener("keydown", (event) => {
    if (/^[0-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) keepDrawn(Number(event.key));
  });
  count(0, 0);
  const found = await ask("GET", "digits");
  for (const entry of found ? found.digits : []) put(entry);
  pad.clear();
  if (facts.board) watch(0);
  document.documentElement.dataset.ready = "yes";
})();
