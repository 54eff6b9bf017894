// Her own time beside the printed one. The server prints every date in the group's zone
// (<time datetime data-local> inside [data-times="America/New_York"]); this adds the same moment in the
// browser's zone, or in the one she picks, and says in words where the hour or the weekday changes.
// No location is asked for; her choice stays in this tab.

const KEY = "time-zone";
const LOCALE = "en-US";

// What people call the zones of the United States, which come first in the list.
const US_ZONES = {
  "America/New_York": "Eastern",
  "America/Chicago": "Central",
  "America/Denver": "Mountain",
  "America/Los_Angeles": "Pacific",
  "America/Phoenix": "Arizona",
  "America/Anchorage": "Alaska",
  "Pacific/Honolulu": "Hawaii",
};

// Browsers know some zones by names that they had once.
const RENAMED = {
  "Africa/Asmera": "Africa/Asmara",
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Catamarca": "America/Argentina/Catamarca",
  "America/Coral_Harbour": "America/Atikokan",
  "America/Cordoba": "America/Argentina/Cordoba",
  "America/Godthab": "America/Nuuk",
  "America/Indianapolis": "America/Indiana/Indianapolis",
  "America/Jujuy": "America/Argentina/Jujuy",
  "America/Louisville": "America/Kentucky/Louisville",
  "America/Mendoza": "America/Argentina/Mendoza",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv",
  "Pacific/Enderbury": "Pacific/Kanton",
  "Pacific/Ponape": "Pacific/Pohnpei",
  "Pacific/Truk": "Pacific/Chuuk",
};

function byTodaysName(zone) {
  const renamed = RENAMED[zone];
  return renamed && isZone(renamed) ? renamed : zone;
}

function placeName(zone) {
  return zone.split("/").pop().replaceAll("_", " ");
}

function remembered() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember(zone) {
  try {
    sessionStorage.setItem(KEY, zone);
  } catch {
    // Storage is off: the choice holds for this page.
  }
}

function browserZone() {
  return byTodaysName(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
}

function isZone(zone) {
  try {
    new Intl.DateTimeFormat(LOCALE, { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function format(moment, zone, options) {
  return new Intl.DateTimeFormat(LOCALE, { timeZone: zone, ...options }).format(moment);
}

function clock(moment, zone) {
  return format(moment, zone, { hour: "numeric", minute: "2-digit" })
    .replace(/\s/g, " ")
    .replace("AM", "am")
    .replace("PM", "pm");
}

function day(moment, zone) {
  return format(moment, zone, { weekday: "long", month: "long", day: "numeric" });
}

function weekday(moment, zone) {
  return format(moment, zone, { weekday: "long" });
}

// Minutes between the zone's wall clock and UTC at that moment.
function offset(moment, zone) {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat(LOCALE, {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    })
      .formatToParts(moment)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute);
  return Math.round((wall - moment.getTime()) / 60000);
}

function length(minutes) {
  if (minutes === 60) return "1 hour";
  return minutes % 60 === 0 ? `${minutes / 60} hours` : `${minutes} minutes`;
}

// "From here 1 hour earlier for you: clocks change in New York, not in London."
function shiftNote(before, moment, groupZone, zone) {
  const groupMoved = offset(moment, groupZone) - offset(before, groupZone);
  const hereMoved = offset(moment, zone) - offset(before, zone);
  const change = hereMoved - groupMoved;
  if (change === 0) return "";
  const direction = change < 0 ? "earlier" : "later";
  const group = placeName(groupZone);
  const here = placeName(zone);
  const reason =
    hereMoved === 0
      ? `clocks have changed in ${group}, not in ${here}`
      : groupMoved === 0
        ? `clocks have changed in ${here}, not in ${group}`
        : `clocks have changed in ${group} and in ${here}`;
  return `From here it is ${length(Math.abs(change))} ${direction} for you: ${reason}.`;
}

function weekdayNote(moment, groupZone, zone) {
  const hers = weekday(moment, zone);
  return hers === weekday(moment, groupZone) ? "" : `That is a ${hers} for you.`;
}

function clear(root) {
  for (const added of root.querySelectorAll("[data-added]")) added.remove();
}

function add(after, className, text) {
  const span = document.createElement("span");
  span.className = className;
  span.dataset.added = "";
  span.textContent = text;
  after.after(" ", span);
  return span;
}

function show(root, zone) {
  const groupZone = root.dataset.times;
  const times = [...root.querySelectorAll("time[data-local]")];
  const moments = times.map((time) => new Date(time.dateTime));
  clear(root);
  const same = moments.every((moment) => offset(moment, zone) === offset(moment, groupZone));
  if (same) return false;
  let wrongDayTold = false;
  times.forEach((time, index) => {
    const moment = moments[index];
    const sameDay = day(moment, zone) === day(moment, groupZone);
    const when = sameDay ? clock(moment, zone) : `${day(moment, zone)}, ${clock(moment, zone)}`;
    const text = `For you: ${when} (${placeName(zone)})`;
    let last = add(time, "local-time", text);
    const notes = [];
    // Said once in a list of meetings. A single moment names her day already.
    const otherDay = times.length > 1 && weekdayNote(moment, groupZone, zone);
    if (otherDay && !wrongDayTold) {
      notes.push(otherDay);
      wrongDayTold = true;
    }
    if (index > 0) {
      const shift = shiftNote(moments[index - 1], moment, groupZone, zone);
      if (shift) notes.push(shift);
    }
    if (notes.length) last = add(last, "dates__note", notes.join(" "));
  });
  return true;
}

function zones(current) {
  const known = Intl.supportedValuesOf?.("timeZone") ?? [];
  const named = [current, browserZone(), ...known].map(byTodaysName);
  return [...new Set(named)].filter((zone) => isZone(zone) && !(zone in US_ZONES)).sort();
}

function addGroup(select, label, members, current) {
  const group = document.createElement("optgroup");
  group.label = label;
  for (const [zone, name] of members) {
    group.append(new Option(name, zone, zone === current, zone === current));
  }
  select.append(group);
}

function fill(select, current) {
  const groups = new Map();
  for (const zone of zones(current)) {
    const region = zone.includes("/") ? zone.split("/")[0] : "Other";
    if (!groups.has(region)) groups.set(region, []);
    const name = zone.split("/").slice(1).reverse().join(", ").replaceAll("_", " ") || zone;
    groups.get(region).push([zone, name]);
  }
  addGroup(select, "United States", Object.entries(US_ZONES), current);
  for (const [region, members] of groups) addGroup(select, region, members, current);
}

function start() {
  const roots = [...document.querySelectorAll("[data-times]")];
  if (roots.length === 0) return;
  const kept = remembered();
  let zone = kept && isZone(kept) ? kept : browserZone();

  const say = () => {
    let anyShown = false;
    for (const root of roots) anyShown = show(root, zone) || anyShown;
    for (const status of document.querySelectorAll("[data-zone-status]")) {
      status.textContent = anyShown
        ? `Times are also shown for ${placeName(zone)}.`
        : `Your clock in ${placeName(zone)} shows the same times.`;
    }
  };

  const selects = [...document.querySelectorAll("[data-zone-select]")];
  for (const select of selects) {
    fill(select, zone);
    select.closest("[data-zone]").hidden = false;
    select.addEventListener("change", () => {
      zone = select.value;
      for (const other of selects) other.value = zone;
      remember(zone);
      say();
    });
  }
  say();
}

start();
