"use strict";
const facts = JSON.parse(document.getElementById("data").textContent);
const view = document.getElementById("view");
const svg = view.querySelector("svg");
const panel = document.getElementById("facts");
const nodes = [...svg.querySelectorAll(".node")];
const edges = [...svg.querySelectorAll(".edge")];
const size = { width: svg.width.baseVal.value, height: svg.height.baseVal.value };
let scale = 1, x = 0, y = 0;

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

function zoom(factor, atX = view.clientWidth / 2, atY = view.clientHeight / 2) {
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
  if (drag.moved) { x = drag.left + dx; y = drag.top + dy; draw(); }
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
  if (step) { x += step[0]; y += step[1]; draw(); event.preventDefault(); }
  else if (event.key === "+") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") fit();
  else if (event.key === "Escape") choose(-1);
});
document.getElementById("in").addEventListener("click", () => zoom(1.25));
document.getElementById("out").addEventListener("click", () => zoom(0.8));
document.getElementById("fit").addEventListener("click", fit);
document.getElementById("close").addEventListener("click", () => choose(-1));
document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  if (!wanted) { choose(-1); return; }
  const found = facts.findIndex((fact) =>
    `${fact.title}\n${fact.how}\n${fact.id || ""}`.toLowerCase().includes(wanted));
  choose(found);
  if (found < 0) return;
  const box = nodes[found].getBBox(), place = nodes[found].transform.baseVal.consolidate().matrix;
  x = view.clientWidth / 2 - (place.e + box.width / 2 + 20) * scale;
  y = view.clientHeight / 2 - (place.f + box.height / 2 + 20) * scale;
  draw();
});
window.addEventListener("resize", fit);
fit();
