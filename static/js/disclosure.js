// "Open all" for a list of details; a link to one question opens it; everything opens on paper.

for (const button of document.querySelectorAll("[data-open-all]")) {
  const items = [...document.getElementById(button.dataset.openAll).querySelectorAll("details")];

  const label = () => {
    button.textContent = items.every((item) => item.open) ? "Close all" : "Open all";
  };

  button.addEventListener("click", () => {
    const open = !items.every((item) => item.open);
    for (const item of items) item.open = open;
  });
  for (const item of items) item.addEventListener("toggle", label);
  label();
  button.hidden = false;
}

function openTarget() {
  const id = decodeURIComponent(window.location.hash.slice(1));
  const target = id && document.getElementById(id);
  if (!target) return;
  const details = target.closest("details") ?? target.querySelector(":scope > details");
  if (details && !details.open) {
    details.open = true;
    target.scrollIntoView();
  }
}

window.addEventListener("hashchange", openTarget);
openTarget();

let openedForPaper = [];
window.addEventListener("beforeprint", () => {
  openedForPaper = [...document.querySelectorAll("main details:not([open])")];
  for (const item of openedForPaper) item.open = true;
});
window.addEventListener("afterprint", () => {
  for (const item of openedForPaper) item.open = false;
});
