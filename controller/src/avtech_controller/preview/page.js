"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const pane = document.getElementById("details");
  const shown = document.getElementById("shown");
  const help = document.getElementById("help");
  const find = document.getElementById("find");
  const hint = shown.cloneNode(true);
  let current = null;
  let pinned = false;

  const text = (tag, content, name) => {
    const element = document.createElement(tag);
    element.textContent = content;
    if (name) element.className = name;
    return element;
  };

  const show = (block) => {
    if (current === block) return;
    current?.classList.remove("current");
    current = block;
    block.classList.add("current");
    const side = block.dataset.side && block.classList.contains("changed") ? `${block.dataset.side} the change` : "";
    const facts = [side, block.dataset.ends].filter(Boolean).join(" · ");
    const parts = [text("h3", block.dataset.when)];
    if (facts) parts.push(text("p", facts, "facts"));
    shown.replaceChildren(...parts, document.getElementById(block.dataset.p).content.cloneNode(true));
    pane.classList.add("open");
    pane.scrollTop = 0;
  };

  const close = () => {
    pinned = false;
    pane.classList.remove("open");
    current?.classList.remove("current");
    current = null;
    shown.replaceChildren(...hint.cloneNode(true).childNodes);
  };

  const visible = (element) => element.getClientRects().length > 0;

  const rove = (calendar) => {
    const blocks = all(".block", calendar);
    blocks.forEach((block) => { block.tabIndex = -1; });
    const first = blocks.find((block) => block.matches(".after .changed")) || blocks.find(visible) || blocks[0];
    if (first) first.tabIndex = 0;
  };
  all(".calendar").forEach(rove);

  const unfold = (element) => {
    for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };
  // Who follows a link to a week wants to see its calendar.
  const follow = () => {
    const week = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (!week) return;
    unfold(week);
    all("details.folded", week).forEach((fold) => { fold.open = true; });
    week.scrollIntoView();
  };
  addEventListener("hashchange", follow);

  const focus = (block) => {
    if (!block) return;
    unfold(block);
    all(".block", block.closest(".calendar")).forEach((other) => { other.tabIndex = other === block ? 0 : -1; });
    block.focus();
    block.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const lanes = (block) => all(".lane", block.closest(".calendar")).filter(visible);
  const middle = (block) => {
    const style = block.parentElement.style;
    return Number(style.getPropertyValue("--a")) + Number(style.getPropertyValue("--h")) / 2;
  };

  const along = (block, step) => {
    const blocks = all(".block", block.closest(".lane")).filter(visible);
    const place = blocks.indexOf(block) + step;
    if (blocks[place]) return blocks[place];
    const beside = lanes(block);
    const lane = beside[beside.indexOf(block.closest(".lane")) + step];
    const others = lane ? all(".block", lane).filter(visible) : [];
    return step > 0 ? others[0] : others[others.length - 1];
  };

  const across = (block, step) => {
    const beside = lanes(block);
    const lane = beside[beside.indexOf(block.closest(".lane")) + step];
    if (!lane) return null;
    const at = middle(block);
    return all(".block", lane).filter(visible).sort((a, b) => Math.abs(middle(a) - at) - Math.abs(middle(b) - at))[0];
  };

  const edge = (block, last) => {
    const blocks = all(".block", block.closest(".lane")).filter(visible);
    return last ? blocks[blocks.length - 1] : blocks[0];
  };

  const change = (step) => {
    const found = all(".after .block.changed");
    if (!found.length) return null;
    const here = document.activeElement;
    const place = found.indexOf(here);
    if (place >= 0) return found[(place + step + found.length) % found.length];
    const next = found.findIndex((block) => here.compareDocumentPosition(block) & Node.DOCUMENT_POSITION_FOLLOWING);
    return found[step > 0 ? Math.max(next, 0) : (next <= 0 ? found.length : next) - 1];
  };

  const moves = {
    ArrowDown: (block) => along(block, 1), ArrowUp: (block) => along(block, -1),
    ArrowRight: (block) => across(block, 1), ArrowLeft: (block) => across(block, -1),
    Home: (block) => edge(block, false), End: (block) => edge(block, true),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || help.open) return;
    if (event.key === "Escape") { find.value = ""; filter(); close(); return; }
    if (event.target === find) return;
    if (event.key === "?") { help.showModal(); event.preventDefault(); return; }
    if (event.key === "/") { find.focus(); event.preventDefault(); return; }
    if (event.key === "n" || event.key === "p") { focus(change(event.key === "n" ? 1 : -1)); event.preventDefault(); return; }
    const block = document.activeElement?.closest?.(".block");
    if (block && moves[event.key]) { focus(moves[event.key](block)); event.preventDefault(); }
  });

  document.addEventListener("focusin", (event) => {
    const block = event.target.closest?.(".block");
    if (block) show(block);
  });
  document.addEventListener("click", (event) => {
    const block = event.target.closest?.(".block");
    if (block) { pinned = true; show(block); focus(block); }
    else if (!event.target.closest?.("#details")) pinned = false;
  });
  // A page that scrolls under a pointer at rest must not take the details from whoever walks with the keys.
  let pointer = "";
  document.addEventListener("mouseover", (event) => {
    const block = event.target.closest?.(".block");
    const rests = pointer === `${event.screenX},${event.screenY}`;
    pointer = `${event.screenX},${event.screenY}`;
    if (rests) return;
    if (block && !pinned && matchMedia("(hover: hover)").matches) show(block);
  });

  const filter = () => {
    const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    all(".week").forEach((week) => { week.hidden = !words.every((word) => week.dataset.find.includes(word)); });
    if (words.length) all("details.same").forEach((details) => { details.open = true; });
  };
  find.addEventListener("input", filter);
  // A page that is loaded anew looks as it did: what was searched for and unfolded.
  const MEMORY = "avtech-preview";
  const folds = () => all("main details").map((fold) => [`${fold.className} ${fold.closest(".week")?.id ?? ""}`, fold]);
  addEventListener("pagehide", () => {
    const open = folds().filter(([, fold]) => fold.open).map(([name]) => name);
    try { sessionStorage.setItem(MEMORY, JSON.stringify([find.value, open])); } catch { /* it may be forbidden */ }
  });
  try {
    const [words, open] = JSON.parse(sessionStorage.getItem(MEMORY) ?? '["", []]');
    folds().forEach(([name, fold]) => { fold.open = open.includes(name); });
    find.value = words;
    if (words) filter();
  } catch { /* nothing is remembered */ }
  follow();
  document.getElementById("close").addEventListener("click", close);
  document.getElementById("keys").addEventListener("click", () => help.showModal());
})();
