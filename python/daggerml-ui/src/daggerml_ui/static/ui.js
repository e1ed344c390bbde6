// What the pages can do beyond what links and forms do: themes, keys, the drawing of a DAG.
// Everything on the pages can be reached without it.
"use strict";

for (const element of document.querySelectorAll(".script")) element.hidden = false;

// Times in the zone of whoever reads them; the exact one stays as a tooltip.
for (const element of document.querySelectorAll("time")) {
  const time = new Date(element.dateTime);
  element.title = element.dateTime;
  element.textContent = time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    if (value) localStorage.setItem(name, value); else localStorage.removeItem(name);
  } catch { /* a page that is a file may keep nothing */ }
  return null;
}

const themes = ["", "light", "dark"];
const themeButton = document.getElementById("theme");
let theme = stored("dml-theme") || "";
function applyTheme() {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  if (themeButton) themeButton.textContent = `Theme: ${theme || "system"}`;
}
applyTheme();
if (themeButton) {
  themeButton.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    stored("dml-theme", theme);
    applyTheme();
  });
}

// "/" goes to the search, unless text is being typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  const search = document.getElementById("q");
  if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  }
});

/** Lets the drawing of a DAG be moved, zoomed and searched. */
function explore(view) {
  const svg = view.querySelector("svg.dag");
  const nodes = [...svg.querySelectorAll("a.node")];
  const edges = [...svg.querySelectorAll(".edge")];
  const width = svg.width.baseVal.value, height = svg.height.baseVal.value;
  const readable = 0.4;
  let scale = 1, x = 0, y = 0;

  view.closest(".drawing").classList.add("live");
  // A small drawing needs no more room than it has.
  const scaled = height * Math.min(1, view.clientWidth / width);
  if (scaled < view.clientHeight) view.style.height = `${Math.max(200, scaled)}px`;

  const drawing = view.closest(".drawing");
  const map = drawing.querySelector(".map"), seen = drawing.querySelector(".seen");
  if (map) map.setAttribute("viewBox", `-24 -24 ${width} ${height}`);

  function draw() {
    svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    if (!map) return;
    const box = { x: -x / scale - 24, y: -y / scale - 24, width: view.clientWidth / scale, height: view.clientHeight / scale };
    for (const [name, value] of Object.entries(box)) seen.setAttribute(name, value);
    map.style.visibility = width * scale <= view.clientWidth && height * scale <= view.clientHeight ? "hidden" : "visible";
  }

  function fit() {
    scale = Math.min(view.clientWidth / width, view.clientHeight / height, 1);
    x = (view.clientWidth - width * scale) / 2;
    y = Math.max(0, (view.clientHeight - height * scale) / 2);
    draw();
  }

  /** Where a node is in the drawing: its middle. */
  function place(node) {
    const at = node.transform.baseVal.consolidate().matrix, card = node.querySelector(".card");
    return { x: at.e + 24 + card.width.baseVal.value / 2, y: at.f + 24 + card.height.baseVal.value / 2 };
  }

  function centre(node) {
    const at = place(node);
    if (scale < readable) scale = 0.8;
    x = view.clientWidth / 2 - at.x * scale;
    y = view.clientHeight / 2 - at.y * scale;
    draw();
  }

  function zoom(factor, atX = view.clientWidth / 2, atY = view.clientHeight / 2) {
    const next = Math.min(4, Math.max(0.02, scale * factor));
    x = atX - (atX - x) * next / scale;
    y = atY - (atY - y) * next / scale;
    scale = next;
    draw();
  }

  // What a node is made from, and what is made of it, all the way.
  const inputs = new Map(), users = new Map();
  for (const edge of edges) {
    const { from, to } = edge.dataset;
    if (!inputs.has(to)) inputs.set(to, []);
    if (!users.has(from)) users.set(from, []);
    inputs.get(to).push(from);
    users.get(from).push(to);
  }
  function reach(start, way) {
    const found = new Set([start]);
    for (const at of found) for (const next of way.get(at) || []) found.add(next);
    return found;
  }
  function light(node) {
    svg.classList.toggle("some", Boolean(node));
    if (!node) return;
    const above = reach(node.dataset.node, inputs), below = reach(node.dataset.node, users);
    for (const each of nodes) each.classList.toggle("near", above.has(each.dataset.node) || below.has(each.dataset.node));
    for (const edge of edges) {
      const { from, to } = edge.dataset;
      edge.classList.toggle("near", (above.has(from) && above.has(to)) || (below.has(from) && below.has(to)));
    }
  }

  let byKey = false;
  document.addEventListener("keydown", () => { byKey = true; }, true);
  document.addEventListener("pointerdown", () => { byKey = false; }, true);
  for (const node of nodes) {
    node.addEventListener("pointerenter", () => light(node));
    node.addEventListener("pointerleave", () => light(null));
    node.addEventListener("focus", () => {
      light(node);
      view.scrollTo(0, 0);
      if (byKey) centre(node);
    });
    node.addEventListener("blur", () => light(null));
  }

  let drag = null;
  const pointers = new Map();
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event);
    drag = { x: event.clientX, y: event.clientY, left: x, top: y, moved: false };
  });
  view.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!drag || !before) return;
    if (pointers.size === 2) {
      const [other] = [...pointers.values()].filter((one) => one.pointerId !== event.pointerId);
      const far = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const box = view.getBoundingClientRect();
      if (far(before) > 0) zoom(far(event) / far(before), other.clientX - box.left, other.clientY - box.top);
      drag = { x: event.clientX, y: event.clientY, left: x, top: y, moved: true };
    } else {
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      if (!drag.moved && Math.abs(dx) + Math.abs(dy) > 4) {
        drag.moved = true;
        view.setPointerCapture(event.pointerId);
        view.classList.add("moving");
      }
      if (drag.moved) { x = drag.left + dx; y = drag.top + dy; draw(); }
    }
    pointers.set(event.pointerId, event);
  });
  let dragged = false;
  function release(event) {
    pointers.delete(event.pointerId);
    dragged = Boolean(drag && drag.moved);
    drag = null;
    view.classList.remove("moving");
  }
  view.addEventListener("pointerup", release);
  view.addEventListener("pointercancel", release);
  view.addEventListener("click", (event) => {
    if (dragged) event.preventDefault();
    dragged = false;
  }, true);
  view.addEventListener("dragstart", (event) => event.preventDefault());
  view.addEventListener("wheel", (event) => {
    // Without Ctrl the page scrolls, as everywhere else.
    if (!event.ctrlKey && !event.metaKey && !document.fullscreenElement) return;
    event.preventDefault();
    const box = view.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.0025), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (step) { x += step[0]; y += step[1]; draw(); }
    else if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });

  drawing.querySelector(".in").addEventListener("click", () => zoom(1.25));
  drawing.querySelector(".out").addEventListener("click", () => zoom(0.8));
  drawing.querySelector(".fit").addEventListener("click", fit);

  const pick = drawing.querySelector(".pick");
  let hits = [], hit = -1;
  function find() {
    const wanted = pick.value.trim().toLowerCase();
    hits = wanted ? nodes.filter((node) => node.getAttribute("aria-label").toLowerCase().includes(wanted)) : [];
    for (const node of nodes) node.classList.toggle("found", hits.includes(node));
    hit = hits.length ? 0 : -1;
    if (hit >= 0) centre(hits[0]);
  }
  pick.addEventListener("input", find);
  pick.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !hits.length) return;
    event.preventDefault();
    if (event.ctrlKey) { hits[hit].focus(); return; }
    hit = (hit + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
    centre(hits[hit]);
  });

  // Begin with all of it when that can be read, else with the focus or the result.
  fit();
  const first = svg.querySelector("a.focus") || svg.querySelector("a.result");
  if (scale < readable && first) centre(first);
  new ResizeObserver(draw).observe(view);
}

/** Begins with each drawing that is shown; in a page of many, others are shown later. */
function begin() {
  for (const view of document.querySelectorAll(".view")) {
    if (view.clientWidth && !view.closest(".live") && view.querySelector("svg.dag")) explore(view);
  }
}
begin();
window.addEventListener("hashchange", begin);

/**
 * The log of a call that runs. What comes is collected and shown once for each frame, so that the
 * page keeps up with any number of parts; of a very long log, the end stays.
 */
function logOf(shown) {
  const most = 400000, tail = document.getElementById("tail");
  let waiting = [], length = shown.textContent.length;
  function show() {
    const text = waiting.join("");
    waiting = [];
    // A page of very many small texts would be slow.
    const last = shown.lastChild;
    if (last && last.length < 10000) last.appendData(text); else shown.append(text);
    length += text.length;
    while (length > most && shown.childNodes.length > 1) {
      length -= shown.firstChild.length;
      shown.firstChild.remove();
    }
    if (tail.checked) shown.scrollTop = shown.scrollHeight;
  }
  if (tail.checked) shown.scrollTop = shown.scrollHeight;
  // Who looks at an earlier part stays there.
  shown.addEventListener("scroll", () => {
    tail.checked = shown.scrollTop + shown.clientHeight > shown.scrollHeight - 8;
  });
  tail.addEventListener("change", () => {
    if (tail.checked) shown.scrollTop = shown.scrollHeight;
  });
  return (told) => {
    if (told.begins && (length || waiting.length)) waiting.push("\n\u2014 the next run \u2014\n");
    waiting.push(told.text);
    // A window that is not seen has no frames.
    if (waiting.length === 1) document.hidden ? show() : requestAnimationFrame(show);
    else if (document.hidden) show();
  };
}

// A call that runs: its state and its log as they come, and the whole page anew when it has ended.
const status = document.getElementById("status");
if (status && status.dataset.events) {
  const events = new EventSource(status.dataset.events);
  const add = logOf(document.getElementById("log"));
  events.addEventListener("state", (event) => {
    const told = JSON.parse(event.data), seconds = document.getElementById("seconds");
    if (status.textContent !== told.status) status.textContent = told.status;
    if (seconds && told.seconds !== null) seconds.textContent = told.seconds;
  });
  events.addEventListener("log", (event) => add(JSON.parse(event.data)));
  events.addEventListener("ended", () => {
    events.close();
    // One that was interrupted stays as it is until somebody runs it.
    if (status.textContent !== "interrupted") location.reload();
  });
  // A page that is left must not keep its connection: a browser has six of them.
  window.addEventListener("pagehide", () => events.close());
}
