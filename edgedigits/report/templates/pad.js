// A canvas to draw a digit on, with mouse, finger, pen or keys. Ink is whatever is not transparent, so that it can have
// the colour of the page's text, light or dark.
function drawingPad(paper, changed) {
  const side = paper.width;
  const pen = paper.getContext("2d", { willReadFrequently: true });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middle = { x: side / 2, y: side / 2, down: false };
  let at = null;
  let cursor = middle;
  let waiting = false;

  function stroke(from, to) {
    pen.strokeStyle = getComputedStyle(paper).color;
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = side / 13;
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y);
    pen.stroke();
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; changed(); });
  }

  function clear() {
    pen.clearRect(0, 0, side, side);
    cursor = middle;
    at = null;
    changed();
  }

  function placeOf(event) {
    const box = paper.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * side) / box.width, y: ((event.clientY - box.top) * side) / box.height };
  }

  paper.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    paper.focus({ preventScroll: true });
    paper.setPointerCapture(event.pointerId);
    at = placeOf(event);
    stroke(at, at);
  });
  paper.addEventListener("pointermove", (event) => {
    if (at === null) return;
    const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of between.length ? between : [event]) {
      const next = placeOf(one);
      stroke(at, next);
      at = next;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, () => { at = null; });

  paper.addEventListener("keydown", (event) => {
    if (event.key in moves) {
      const [x, y] = moves[event.key].map((step) => 10 * step);
      const inside = (place) => Math.min(Math.max(place, 10), side - 10);
      const next = { ...cursor, x: inside(cursor.x + x), y: inside(cursor.y + y) };
      if (cursor.down) stroke(cursor, next);
      cursor = next;
    } else if (event.key === " ") {
      cursor = { ...cursor, down: !cursor.down };
      if (cursor.down) stroke(cursor, cursor);
    } else if (event.key === "Delete" || event.key === "Backspace" || event.key === "Escape") {
      clear();
    } else {
      return;
    }
    event.preventDefault();
  });

  // Ink from 0 to 255, side × side, in place of what is drawn.
  function put(ink) {
    const image = pen.createImageData(side, side);
    pen.clearRect(0, 0, side, side);
    pen.fillStyle = getComputedStyle(paper).color;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    ink.forEach((alpha, place) => image.data.set([red, green, blue, alpha], 4 * place));
    pen.putImageData(image, 0, 0);
    changed();
  }

  const pixels = () => pen.getImageData(0, 0, side, side).data.filter((_, place) => place % 4 === 3);
  return { clear, pixels, put, side };
}

// Lets a picture be chosen, pasted or dropped, and puts its ink on a pad: what differs from the ground, which may be
// lighter or darker, and shaded; nothing of a picture that has none. `told` then gets a sentence, once the pad has
// changed, and also where there seems to be more than one digit.
function takePictures(pad, input, told) {
  const GROUNDS = 4;
  const LEAST = 24;
  const PART = 0.4;

  async function take(file) {
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
      const ink = inkOf(bitmap);
      if (!ink) return refuse("Nothing in that picture stands out from its ground.");
      pad.put(ink);
      if (isSeveral(ink)) told("Shapes stand apart in that picture, and are taken for one digit: cut a single one out, or let edgedigits predict find them.");
    } catch {
      refuse("That is no picture that this browser can read.");
    }
  }

  function refuse(sentence) {
    pad.clear();
    told(sentence);
  }

  // Whether shapes of which none is small beside the tallest have nothing between them, from left to right or down.
  function isSeveral(ink) {
    const shapes = shapesOf(ink);
    const tallest = Math.max(...shapes.map((one) => one.bottom - one.top));
    const tall = shapes.filter((one) => one.bottom - one.top >= PART * tallest);
    const areApart = (from, to, gap) => {
      const inTurn = [...tall].sort((one, other) => one[from] - other[from]);
      let end = inTurn[0][to];
      return inTurn.some((one) => { const apart = one[from] > end + gap; end = Math.max(end, one[to]); return apart; });
    };
    return areApart("left", "right", 0) || areApart("top", "bottom", tallest / 4);
  }

  // The box around each shape of ink.
  function shapesOf(ink) {
    const { side } = pad;
    const left = Uint8Array.from(ink);
    const found = [];
    for (let start = 0; start < left.length; start++) {
      if (!left[start]) continue;
      const box = { left: side, right: 0, top: side, bottom: 0 };
      const waiting = [start];
      left[start] = 0;
      while (waiting.length) {
        const place = waiting.pop();
        const [y, x] = [Math.floor(place / side), place % side];
        box.left = Math.min(box.left, x);
        box.right = Math.max(box.right, x);
        box.top = Math.min(box.top, y);
        box.bottom = Math.max(box.bottom, y);
        for (const [down, right] of [[-1, 0], [1, 0], [0, -1], [0, 1], [-1, -1], [-1, 1], [1, -1], [1, 1]]) {
          const [nextY, nextX] = [y + down, x + right];
          const next = nextY * side + nextX;
          if (nextY < 0 || nextY >= side || nextX < 0 || nextX >= side || !left[next]) continue;
          left[next] = 0;
          waiting.push(next);
        }
      }
      found.push(box);
    }
    return found;
  }

  function inkOf(bitmap) {
    const grey = greyOf(bitmap);
    const grounds = groundsOf(grey);
    const apart = grey.map((one, place) => one - groundAt(grounds, place));
    const power = (sign) => apart.reduce((sum, one) => sum + Math.max(0, sign * one) ** 2, 0);
    const sign = power(1) > power(-1) ? 1 : -1;
    const most = apart.reduce((largest, one) => Math.max(largest, sign * one), 0);
    if (most < LEAST) return null;
    return Uint8ClampedArray.from(apart, (one) => (sign * one < most / 4 ? 0 : (255 * sign * one) / most));
  }

  function greyOf(bitmap) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = pad.side;
    const drawing = canvas.getContext("2d", { willReadFrequently: true });
    const scale = Math.min(pad.side / bitmap.width, pad.side / bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    const [left, top] = [(pad.side - width) / 2, (pad.side - height) / 2];
    drawing.imageSmoothingQuality = "high";
    drawing.fillStyle = "white";
    drawing.fillRect(0, 0, pad.side, pad.side);
    drawing.drawImage(bitmap, left, top, width, height);
    const { data } = drawing.getImageData(0, 0, pad.side, pad.side);
    // What lies around a picture that is not square is as its nearest edge.
    const within = (at, start, length) => Math.min(Math.max(at, Math.ceil(start)), Math.floor(start + length) - 1);
    return Float32Array.from({ length: pad.side ** 2 }, (_, place) => {
      const at = 4 * (within(Math.floor(place / pad.side), top, height) * pad.side + within(place % pad.side, left, width));
      return (77 * data[at] + 150 * data[at + 1] + 29 * data[at + 2]) / 256;
    });
  }

  // The median of each of GROUNDS × GROUNDS tiles.
  function groundsOf(grey) {
    const tile = pad.side / GROUNDS;
    const tiles = Array.from({ length: GROUNDS ** 2 }, () => []);
    grey.forEach((one, place) => {
      const row = Math.floor(Math.floor(place / pad.side) / tile);
      tiles[row * GROUNDS + Math.floor((place % pad.side) / tile)].push(one);
    });
    return tiles.map((some) => some.sort((a, b) => a - b)[some.length >> 1]);
  }

  function groundAt(grounds, place) {
    const tile = pad.side / GROUNDS;
    const within = (at) => Math.min(Math.max(at / tile - 0.5, 0), GROUNDS - 1);
    const [y, x] = [within(Math.floor(place / pad.side)), within(place % pad.side)];
    const [row, column] = [Math.min(Math.floor(y), GROUNDS - 2), Math.min(Math.floor(x), GROUNDS - 2)];
    const at = (down, right) => grounds[(row + down) * GROUNDS + column + right];
    const [below, beside] = [y - row, x - column];
    return (1 - below) * ((1 - beside) * at(0, 0) + beside * at(0, 1)) + below * ((1 - beside) * at(1, 0) + beside * at(1, 1));
  }

  input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
  document.addEventListener("paste", (event) => take(Array.from(event.clipboardData.files)[0]));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); });
}
