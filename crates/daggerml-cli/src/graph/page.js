"use strict";
const facts = JSON.parse(document.getElementById("data").textContent);
const view = document.getElementById("view");
const svg = view.querySelector("svg");
const panel = document.getElementById("facts");
const nodes = [...svg.querySelectorAll(".node")];
const edges = [...svg.querySelectorAll(".edge")];
const size = { width: svg.width.baseVal.value, height: svg.height.baseVal.value };
// A drawing is shown whole if its text can then be read, else from its top on.
const readable = 0.35, comfortable = 0.75;
let scale = 1, x = 0, y = 0, touched = false;

function draw() {
  svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}

function fit() {
  const { clientWidth: width, clientHeight: height } = view;
  scale = Math.min(width / size.width, height / size.height, 1);
  x = (width - size.width * scale) / 2;
  y = Math.max(0, (height - size.height * scale) / 2);
  draw();
}

/** Where a node is in the drawing: its middle. */
function place(node) {
  const box = node.getBBox(), corner = node.transform.baseVal.consolidate().matrix;
  return { x: corner.e + box.width / 2 + 20, y: corner.f + box.height / 2 + 20 };
}

function start() {
  fit();
  if (scale >= readable || !nodes.length) return;
  const top = nodes.map(place).reduce((top, next) => (next.y < top.y ? next : top));
  scale = comfortable;
  x = view.clientWidth / 2 - top.x * scale;
  y = 0;
  draw();
}

function zoom(factor, atX = view.clientWidth / 2, atY = view.clientHeight / 2) {
  touched = true;
  const next = Math.min(4, Math.max(0.02, scale * factor));
  x = atX - (atX - x) * next / scale;
  y = atY - (atY - y) * next / scale;
  scale = next;
  draw();
}

function choose(number) {
  const near = new Set([number]);
  for (const edge of edges) {
    const from = Number(edge.dataset.from), to = Number(edge.dataset.to);
    const touches = from === number || to === number;
    edge.classList.toggle("near", touches);
    if (touches) near.add(from).add(to);
  }
  nodes.forEach((node, at) => {
    node.classList.toggle("near", near.has(at));
    node.classList.toggle("chosen", at === number);
  });
  svg.classList.toggle("some", number >= 0);
  panel.hidden = number < 0;
  if (number < 0) return;
  const fact = facts[number];
  panel.querySelector("h2").textContent = fact.title;
  const list = panel.querySelector("dl");
  list.replaceChildren();
  const rows = [
    ["Made by", fact.how || fact.look], ["Type", fact.type], ["Result", fact.result && fact.id ? "yes" : null],
    ["Node", fact.id, "id"], ["Datum", fact.datum, "id"], ["DAG", fact.dag, "id"],
  ];
  for (const [name, value, style] of rows) {
    if (!value) continue;
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    if (style) text.className = style;
    list.append(term, text);
  }
  panel.querySelector("pre").textContent = fact.value;
}

nodes.forEach((node, at) => {
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "button");
  node.setAttribute("aria-label", `${facts[at].title} ${facts[at].how}`);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(at); }
  });
});

let drag = null;
view.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drag = { x: event.clientX, y: event.clientY, left: x, top: y, moved: false, on: event.target.closest(".node") };
  view.setPointerCapture(event.pointerId);
});
view.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (Math.abs(dx) + Math.abs(dy) > 4) drag.moved = true;
  if (drag.moved) { touched = true; x = drag.left + dx; y = drag.top + dy; draw(); }
});
view.addEventListener("pointerup", () => {
  if (drag && !drag.moved) choose(drag.on ? nodes.indexOf(drag.on) : -1);
  drag = null;
});
view.addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = view.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
view.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
  if (step) { touched = true; x += step[0]; y += step[1]; draw(); event.preventDefault(); }
  else if (event.key === "+") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") { touched = false; fit(); }
  else if (event.key === "Escape") choose(-1);
});
document.getElementById("in").addEventListener("click", () => zoom(1.25));
document.getElementById("out").addEventListener("click", () => zoom(0.8));
document.getElementById("fit").addEventListener("click", () => { touched = false; fit(); });
document.getElementById("close").addEventListener("click", () => choose(-1));
let found = -1;
/** Shows the first node from number `from` on that has the text looked for. */
function find(from) {
  const wanted = document.getElementById("find").value.trim().toLowerCase();
  const has = (fact) => `${fact.title}\n${fact.how}\n${fact.id || ""}`.toLowerCase().includes(wanted);
  found = wanted ? facts.findIndex((fact, at) => at >= from && has(fact)) : -1;
  if (wanted && found < 0 && from > 0) { find(0); return; }
  choose(found);
  if (found < 0) return;
  touched = true;
  if (scale < readable) scale = comfortable;
  const at = place(nodes[found]);
  x = view.clientWidth / 2 - at.x * scale;
  y = view.clientHeight / 2 - at.y * scale;
  draw();
}
document.getElementById("find").addEventListener("input", () => find(0));
document.getElementById("find").addEventListener("keydown", (event) => {
  if (event.key === "Enter") find(found + 1);
});
window.addEventListener("resize", () => { if (!touched) start(); });
start();
