// Server-sent events say that something changed; the page is then asked for again, and only the parts that
// differ are exchanged: no flicker, no lost focus, and one way to render.  Without scripts one reloads.
const SHORTEST_MS = 2000;
const topic = document.body.dataset.topic;
const sign = document.getElementById("live");
// As the server wrote them: other scripts write local times into the page later.
const sources = new Map(Array.from(document.querySelectorAll("[data-live]"), (one) => [one.id, one.innerHTML]));

function say(state) {
  const words = { on: "Live", off: "Not live", out: "Logged out" };
  if (sign.dataset.state !== state) {
    sign.dataset.state = state;
    sign.textContent = words[state];
    sign.hidden = false;
  }
}

function exchange(fresh, changed) {
  for (const now of document.querySelectorAll("[data-live]")) {
    const then = fresh.getElementById(now.id);
    if (then && then.innerHTML !== sources.get(now.id)) {
      sources.set(now.id, then.innerHTML);
      swap(now, then);
      changed(now);
    }
  }
  document.title = fresh.title;
}

function swap(now, then) {
  const focused = now.contains(document.activeElement) ? place(document.activeElement, now) : null;
  const open = new Map(Array.from(now.querySelectorAll("details[id]"), (one) => [one.id, one.open]));
  const scrolled = Array.from(now.querySelectorAll(".scroll"), (one) => one.scrollLeft);
  // The list is live, and shrinks with every node that is taken out of it: copied first.
  now.replaceChildren(...Array.from(then.childNodes).map((one) => document.adoptNode(one)));
  for (const one of now.querySelectorAll("details[id]")) {
    if (open.has(one.id)) { one.open = open.get(one.id); }
  }
  now.querySelectorAll(".scroll").forEach(function (one, i) { one.scrollLeft = scrolled[i] || 0; });
  const again = focused && find(focused, now);
  if (again) { again.focus({ preventScroll: true }); }
}

// What had the focus is found again by its id, its address, or its place among its kind.
function place(element, inside) {
  const kin = Array.from(inside.querySelectorAll(element.tagName));
  return { tag: element.tagName, id: element.id, href: element.getAttribute("href"), at: kin.indexOf(element) };
}

function find(was, inside) {
  const kin = Array.from(inside.querySelectorAll(was.tag));
  return (was.id && kin.find((one) => one.id === was.id)) ||
    (was.href && kin.find((one) => one.getAttribute("href") === was.href)) || kin[was.at];
}

export function listen(changed) {
  if (!topic) { return; }
  const samplesMs = Number(document.body.dataset.every || 5) * 1000;
  let last = Date.now(), due = 0, timer = 0, busy = false, missed = false;

  async function refresh() {
    timer = 0;
    busy = true;
    last = Date.now();
    const fresh = await load();
    busy = false;
    if (fresh) { exchange(new DOMParser().parseFromString(fresh, "text/html"), changed); }
    if (missed) { soon(); }
  }

  async function load() {
    try {
      const reply = await fetch(location.href, { redirect: "manual", cache: "no-store" });
      if (reply.type === "opaqueredirect" || reply.status === 401) {
        source.close();
        say("out");
      }
      return reply.ok ? await reply.text() : "";
    } catch (unreachable) {
      say("off");
      return "";
    }
  }

  // At most one request at a time; a page that nobody sees waits.  New samples change little: they may wait
  // as long as the page says, while a new verdict is shown at once.
  function soon(pause = SHORTEST_MS) {
    missed = busy || document.hidden;
    const at = Math.max(Date.now(), last + pause);
    if (missed || timer && due <= at) { return; }
    clearTimeout(timer);
    due = at;
    timer = setTimeout(refresh, at - Date.now());
  }

  const source = new EventSource("/events?topic=" + encodeURIComponent(topic));
  source.onopen = () => say("on");
  source.onerror = () => say("off");
  source.onmessage = (event) => soon(JSON.parse(event.data).type === "samples" ? samplesMs : SHORTEST_MS);
  document.addEventListener("visibilitychange", function () { if (missed) { soon(); } });
}
