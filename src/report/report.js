"use strict";

/* Index of the value nearest to x in a sorted list. */
function nearest(list, x) {
  let low = 0, high = list.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] < x) low = middle; else high = middle;
  }
  return Math.abs(list[low] - x) <= Math.abs(list[high] - x) ? low : high;
}

/* A chart: pointing at it, or the arrow keys, read the values of all its lines at one place. */
function readable(chart) {
  const svg = chart.querySelector(".plot svg"), cross = chart.querySelector(".cross"), at = chart.querySelector(".at");
  const low = +svg.dataset.low, high = +svg.dataset.high;
  const lines = [...chart.querySelectorAll(".line")].map((line, i) => ({
    x: line.dataset.x.split(" ").map(Number), y: line.dataset.y.split(" "), value: chart.querySelectorAll(".key b")[i],
  }));
  const longest = lines.reduce((a, b) => (b.x.length > a.x.length ? b : a));
  let index = longest.x.length - 1;

  function read(i) {
    index = Math.max(0, Math.min(longest.x.length - 1, i));
    const x = longest.x[index], place = (1000 * (x - low)) / (high - low);
    for (const line of lines) line.value.textContent = line.y[nearest(line.x, x)];
    cross.setAttribute("d", `M${place} 0V1000`);
    at.textContent = `at ${chart.dataset.along} ${x.toFixed(2)}`;
    chart.classList.add("reading");
  }
  function rest() {
    read(longest.x.length - 1);
    at.textContent = "at the end";
    chart.classList.remove("reading");
  }
  function point(event) {
    const box = svg.getBoundingClientRect();
    read(nearest(longest.x, low + ((high - low) * (event.clientX - box.left)) / box.width));
  }
  chart.querySelector(".plot").addEventListener("pointermove", point);
  chart.querySelector(".plot").addEventListener("pointerdown", point);
  chart.addEventListener("pointerleave", rest);
  chart.addEventListener("blur", rest);
  chart.addEventListener("keydown", (event) => {
    const step = Math.max(1, Math.round(longest.x.length / 60));
    const to = { ArrowLeft: index - step, ArrowRight: index + step, Home: 0, End: longest.x.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    read(to);
  });
}

/* The map: pointing at an image or a text, or going there with the arrow keys, shows it. */
function explorable(map) {
  const svg = map.querySelector(".field > svg"), ring = map.querySelector(".ring"), card = map.querySelector(".card");
  const thumb = map.querySelector(".thumb"), words = map.querySelector(".words p"), said = map.querySelector(".said");
  const buttons = [...map.querySelectorAll(".legend button")];
  const names = Object.fromEntries(buttons.map((button) => [button.dataset.l, button.textContent]));
  const points = [...map.querySelectorAll(".points use")].map((use, i) => ({
    i, use, x: +use.getAttribute("x"), y: +use.getAttribute("y"), label: use.dataset.l,
  }));
  const height = svg.viewBox.baseVal.height;
  const columns = thumb && +getComputedStyle(thumb).getPropertyValue("--columns");
  const chosen = new Set();
  let shown = null;

  const visible = (p) => chosen.size === 0 || chosen.has(p.label);
  function show(p) {
    shown = p;
    card.hidden = p === null;
    ring.setAttribute("cx", p ? p.x : -99);
    ring.setAttribute("cy", p ? p.y : -99);
    if (p === null) return;
    if (thumb) {
      const size = thumb.clientWidth;
      thumb.style.backgroundPosition = `${-(p.i % columns) * size}px ${-Math.floor(p.i / columns) * size}px`;
    } else words.textContent = p.use.dataset.t;
    card.lastElementChild.textContent = names[p.label] || `${thumb ? "image" : "text"} ${p.i + 1}`;
    const right = p.x > 500, low = p.y > height / 2, y = (100 * p.y) / height;
    card.style.left = right ? "" : `calc(${p.x / 10}% + 14px)`;
    card.style.right = right ? `calc(${100 - p.x / 10}% + 14px)` : "";
    card.style.top = low ? "" : `calc(${y}% + 14px)`;
    card.style.bottom = low ? `calc(${100 - y}% + 14px)` : "";
  }
  function closest(x, y, reach) {
    let best = null, least = reach * reach;
    for (const p of points) {
      const d = (p.x - x) ** 2 + (p.y - y) ** 2;
      if (d < least && visible(p)) [best, least] = [p, d];
    }
    return best;
  }
  /* In the wanted direction: near counts, and aside counts three times. */
  function towards(dx, dy) {
    let best = null, least = Infinity;
    for (const p of points) {
      const along = (p.x - shown.x) * dx + (p.y - shown.y) * dy;
      const aside = Math.abs((p.x - shown.x) * dy) + Math.abs((p.y - shown.y) * dx);
      if (p !== shown && visible(p) && along > 0 && along + 3 * aside < least) [best, least] = [p, along + 3 * aside];
    }
    return best;
  }
  function point(event) {
    const box = svg.getBoundingClientRect();
    show(closest((1000 * (event.clientX - box.left)) / box.width, (height * (event.clientY - box.top)) / box.height, 32));
  }
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", () => show(null));
  svg.addEventListener("blur", () => show(null));
  svg.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") show(null);
    if (way === undefined) return;
    event.preventDefault();
    const next = shown ? towards(...way) : closest(500, height / 2, 2000);
    if (next) show(next);
    if (shown) said.textContent = card.textContent;
  });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      if (on) chosen.add(button.dataset.l); else chosen.delete(button.dataset.l);
      svg.classList.toggle("chosen", chosen.size > 0);
      for (const p of points) p.use.classList.toggle("on", chosen.has(p.label));
    });
  }
}

document.querySelectorAll(".chart").forEach(readable);
document.querySelectorAll(".map").forEach(explorable);
document.documentElement.dataset.ready = "yes";
