// Returns what is wrong with the page as it is shown, as a list of sentences.
(() => {
  const problems = [];
  const say = (what, el) => problems.push(what + ": " + el.outerHTML.slice(0, 120));

  if (document.documentElement.scrollWidth > innerWidth)
    for (const el of document.body.querySelectorAll("*"))
      if (el.getBoundingClientRect().right > innerWidth + 1 && !el.closest("pre, .scroll, .skip"))
        say("wider than the window of " + innerWidth, el);
  if (problems.length === 0 && document.documentElement.scrollWidth > innerWidth)
    problems.push("wider than the window of " + innerWidth);

  const ids = new Set();
  for (const el of document.querySelectorAll("[id]")) {
    if (ids.has(el.id)) say("id used twice", el);
    ids.add(el.id);
  }
  for (const a of document.querySelectorAll('a[href^="#"]'))
    if (!ids.has(decodeURIComponent(a.hash.slice(1)))) say("leads nowhere", a);

  if (document.querySelectorAll("h1").length !== 1) problems.push("want one h1");
  let level = 1;
  for (const h of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const next = Number(h.tagName[1]);
    if (next > level + 1) say("a heading of level " + next + " below one of level " + level, h);
    level = next;
  }
  for (const el of document.querySelectorAll("input:not([type=hidden])"))
    if (el.labels.length === 0 && !el.ariaLabel) say("no label", el);
  for (const el of document.querySelectorAll("a, button, summary"))
    if (!el.textContent.trim() && !el.ariaLabel) say("no text", el);
  for (const el of document.querySelectorAll("svg, img"))
    if (!el.ariaLabel && !el.alt) say("no description", el);

  // The contrast that WCAG 2.2 wants of text, level AA.
  const rgb = s => s.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const seen = new Set();
  for (const el of document.body.querySelectorAll("*")) {
    if (![...el.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !el.checkVisibility()) continue;
    let ground = el, color;
    do color = rgb(getComputedStyle(ground).backgroundColor);
    while (color[3] === 0 && (ground = ground.parentElement));
    const text = rgb(getComputedStyle(el).color);
    const key = text + "/" + color;
    if (seen.has(key)) continue;
    seen.add(key);
    const [a, b] = [luminance(text), luminance(color)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) say("contrast " + ratio.toFixed(1), el);
  }
  return problems;
})()
