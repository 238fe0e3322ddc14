// What all pages do: nodes, light and dark colours, copying texts.
"use strict";
const shared = (() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;

  function made(tag, options = {}, ...children) {
    const { text, kind, ...attributes } = options;
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (kind) node.className = kind;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function say(text) { // to those who do not see what changed
    byId("said").textContent = text;
  }

  // -- light and dark ------------------------------------------------------------------------

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  let redraw = () => {};

  function wear(theme) {
    if (theme) root.dataset.theme = theme;
    byId("theme").textContent = isDark() ? "Light" : "Dark";
    byId("theme").setAttribute("aria-label", isDark() ? "Change to light colours" : "Change to dark colours");
    redraw();
  }

  function kept(theme) { // pages in files may have no storage
    try {
      if (theme) localStorage.setItem("hlsgen-report-theme", theme);
      return localStorage.getItem("hlsgen-report-theme");
    } catch {
      return null;
    }
  }

  function dress(draw) { // the page as it was dressed before; `draw` is called whenever colours change
    redraw = draw;
    byId("theme").addEventListener("click", () => wear(kept(isDark() ? "light" : "dark") || (isDark() ? "light" : "dark")));
    dark.addEventListener("change", () => wear(root.dataset.theme));
    wear(kept());
  }

  function printed(open, close) { // paper is light, and has all that is closed open
    let before = null; // what is to be as it was, once it is printed
    window.addEventListener("beforeprint", () => {
      before = { theme: root.dataset.theme, open: [...document.querySelectorAll("details:not([open])")] };
      for (const part of before.open) part.open = true;
      open();
      wear("light");
    });
    window.addEventListener("afterprint", () => {
      if (!before) return;
      for (const part of before.open) part.open = false;
      if (before.theme) root.dataset.theme = before.theme;
      else delete root.dataset.theme;
      before = null;
      close();
      wear();
    });
    return () => before !== null;
  }

  const probe = made("span", { kind: "visually-hidden", "aria-hidden": "true" });
  document.body.append(probe);

  function colour(name) { // as it is now: a canvas knows no variables
    probe.className = `visually-hidden ${name}`;
    return getComputedStyle(probe).color;
  }

  // -- copying -------------------------------------------------------------------------------

  async function copy(button, text) { // the text of a node; the button says what became of it
    let done = false;
    try {
      await navigator.clipboard.writeText(text.textContent);
      done = true;
    } catch { // a page in a file may not: select it, and ask the old way
      getSelection().selectAllChildren(text);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected: press Ctrl+C";
    say(button.textContent);
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button, byId(button.dataset.copy)));
  }

  return { byId, made, say, dress, printed, isDark, colour, copy };
})();
