// A form that came back with mistakes: the summary is read first.

document.querySelector("[data-focus-first]")?.focus();
