// Leaving in a hurry. Every [data-leave] link works without this file; here the page goes blank at
// once, and the page just left is replaced, so that Back does not return to it. Pressing Shift three
// times, each within five seconds of the last, does the same.

const LEAVE_URL = "/leave/";
const PRESSES = 3;
const PATIENCE = 5000;

function leave() {
  document.documentElement.classList.add("is-leaving");
  document.title = "Loading";
  window.location.replace(LEAVE_URL);
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-leave]")) {
    event.preventDefault();
    leave();
  }
});

let presses = 0;
let lastPress = 0;
let shiftIsAlone = false;

document.addEventListener("keydown", (event) => {
  if (event.key !== "Shift") {
    // A capital letter is not a press of Shift.
    shiftIsAlone = false;
    presses = 0;
  } else if (!event.repeat) {
    shiftIsAlone = true;
  }
});

document.addEventListener("keyup", (event) => {
  if (event.key !== "Shift" || !shiftIsAlone) return;
  presses = event.timeStamp - lastPress < PATIENCE ? presses + 1 : 1;
  lastPress = event.timeStamp;
  shiftIsAlone = false;
  if (presses === PRESSES) leave();
});

// The browser may show a kept copy on Back: a blanked page, or a member page after signing out.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
