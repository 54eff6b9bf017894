// The line under the header that explains leaving: she closes it once per tab. Runs where it stands,
// before the rest of the page is laid out, so that nothing jumps. Nothing is stored beyond the tab.

(() => {
  const KEY = "leave-note-closed";
  const note = document.getElementById("leave-note");
  const button = note.querySelector("button");

  function remembered() {
    try {
      return sessionStorage.getItem(KEY) === "yes";
    } catch {
      return false;
    }
  }

  if (remembered()) {
    note.hidden = true;
    return;
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    note.hidden = true;
    document.getElementById("main").focus();
    try {
      sessionStorage.setItem(KEY, "yes");
    } catch {
      // Storage is off: the line comes back on the next page.
    }
  });
})();
