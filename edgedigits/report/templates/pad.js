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

  const pixels = () => pen.getImageData(0, 0, side, side).data.filter((_, place) => place % 4 === 3);
  return { clear, pixels };
}
