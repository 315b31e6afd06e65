// The practice room's page. All HTML of messages and letters is made, and escaped, by the server.
"use strict";

const $ = (id) => document.getElementById(id);
const state = { version: 0, users: [], channels: [], messages: new Map(), letters: [], seen: 0, drawn: "" };
const place = { view: "channel", channel: "", thread: "", letter: 0 };

function me() { return $("user").value; }

function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// ---- where we are: #/general, #/general/THREAD, #/mail, #/mail/3 ----

function readPlace() {
  const [first, second] = location.hash.replace(/^#\/?/, "").split("/");
  if (first === "mail") {
    Object.assign(place, { view: second ? "letter" : "mail", thread: "", letter: Number(second) || 0 });
    return;
  }
  const channel = state.channels.find((c) => c.name === first) || state.channels[0];
  Object.assign(place, { view: second ? "thread" : "channel", channel: channel ? channel.id : "", thread: second || "", letter: 0 });
}

function channelHere() { return state.channels.find((c) => c.id === place.channel) || state.channels[0]; }

function go() {
  readPlace();
  document.body.dataset.view = place.view;
  const mail = place.view === "mail" || place.view === "letter";
  $("channel").hidden = mail;
  $("mail").hidden = !mail;
  $("thread").hidden = !place.thread;
  state.drawn = "";
  draw();
  if (mail) openLetter();
}

// ---- drawing ----

function draw() {
  const channel = channelHere();
  if (!channel) return;
  const mail = !$("mail").hidden;
  $("channels").replaceChildren(...state.channels.map((c) => {
    const link = element("<li><a><i>#</i><span></span></a></li>");
    link.firstChild.href = `#/${c.name}`;
    link.querySelector("span").textContent = c.name;
    link.firstChild.toggleAttribute("aria-current", !mail && c.id === channel.id);
    return link;
  }));
  $("mail-link").toggleAttribute("aria-current", mail);
  $("channel-name").textContent = `# ${channel.name}`;
  $("channel-topic").textContent = channel.topic;
  $("thread-where").textContent = `# ${channel.name}`;
  $("thread-close").href = `#/${channel.name}`;

  const key = `${channel.id} ${place.thread} ${me()}`;
  const fresh = key !== state.drawn;
  state.drawn = key;
  const all = [...state.messages.values()].filter((m) => m.channel === channel.id && (!m.only_for || m.only_for === me()));
  fill($("messages"), all.filter((m) => !m.thread), fresh, "nothing-said");
  if (place.thread) fill($("replies"), all.filter((m) => m.ts === place.thread || m.thread === place.thread), fresh);
  drawLetters();
  document.title = mail ? "Mailbox · Practice room" : `#${channel.name} · Practice room`;
}

function fill(list, messages, fresh, empty) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const wanted = messages.filter((m) => m.html).sort((a, b) => (a.ts < b.ts ? -1 : 1));
  const there = new Map([...list.querySelectorAll(":scope > .message")].map((node) => [node.dataset.ts, node]));
  let added = false;
  wanted.forEach((message, index) => {
    let node = there.get(message.ts);
    there.delete(message.ts);
    if (!node || node.version !== message.version) {
      const made = element(message.html);
      made.version = message.version;
      if (node) node.replaceWith(made); else { if (!fresh) made.classList.add("new"); added = true; }
      node = made;
    }
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] || null);
  });
  there.forEach((node) => node.remove());
  list.querySelector(":scope > .empty")?.remove();
  if (!wanted.length && empty) list.append($(empty).content.cloneNode(true));
  if (fresh || (added && atEnd)) list.scrollTop = list.scrollHeight;
}

function drawLetters() {
  const open = place.view === "letter" || place.view === "mail";
  if (open) state.seen = state.letters.length;
  const unread = state.letters.length - state.seen;
  $("unread").hidden = !unread;
  $("unread").textContent = unread;
  $("mail-count").textContent = state.letters.length === 1 ? "1 letter" : `${state.letters.length} letters`;
  const nodes = [...state.letters].reverse().map((letter) => {
    const node = element(letter.html);
    node.toggleAttribute("aria-current", letter.number === place.letter);
    return node;
  });
  if (nodes.length) $("letters").replaceChildren(...nodes);
  else $("letters").replaceChildren($("no-letters").content.cloneNode(true));
}

async function openLetter() {
  const wanted = place.letter;
  if (!wanted) { $("letter").replaceChildren($("no-letter").content.cloneNode(true)); return; }
  const answer = await fetch(`letters/${wanted}`);
  if (!answer.ok || place.letter !== wanted) return;
  $("letter").innerHTML = (await answer.json()).html;
}

// ---- what people do ----

document.addEventListener("click", (event) => {
  const replies = event.target.closest("[data-thread]");
  if (replies) location.hash = `#/${channelHere().name}/${replies.dataset.thread}`;
  const tab = event.target.closest("[data-tab]");
  if (tab) {
    document.querySelectorAll("[data-tab]").forEach((t) => t.setAttribute("aria-selected", String(t === tab)));
    document.querySelectorAll("[data-pane]").forEach((pane) => { pane.hidden = pane.dataset.pane !== tab.dataset.tab; });
  }
  const hint = event.target.closest("[data-hint]");
  if (hint) { $("text").value = hint.dataset.hint; grow(); $("text").focus(); }
  if (event.target.closest(".menu")) document.body.dataset.view = "menu";
  else if (event.target.closest("nav a")) document.body.dataset.view = place.view;
});

function grow() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
}

$("text").addEventListener("input", () => { grow(); $("refusal").hidden = true; });
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("composer").requestSubmit(); }
});

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("refusal").hidden = true;
  $("composer").classList.add("busy");
  try {
    const answer = await fetch("command", { method: "POST", body: JSON.stringify({ user: me(), channel: place.channel, text }) });
    const said = await answer.json();
    if (answer.ok) { $("text").value = ""; grow(); } else { $("refusal").textContent = said.error; $("refusal").hidden = false; }
  } catch {
    $("refusal").textContent = "The practice room does not answer; is it still running?";
    $("refusal").hidden = false;
  }
  $("composer").classList.remove("busy");
});

$("user").addEventListener("change", () => { try { localStorage.setItem("user", me()); } catch {} go(); });
window.addEventListener("hashchange", go);

// ---- what happens in the room ----

function take(news) {
  state.users = news.users;
  state.channels = news.channels;
  for (const message of news.messages) state.messages.set(message.ts, { ...message, version: news.version });
  for (const letter of news.letters) state.letters.push(letter);
  if (!$("user").options.length) {
    $("user").append(...news.users.map((user) => new Option(user.admin ? `${user.name} (admin)` : user.name, user.id)));
    try { $("user").value = localStorage.getItem("user") || news.users[0].id; } catch {}
    if (!me()) $("user").value = news.users[0].id;
  }
  state.version = news.version;
}

async function listen() {
  for (;;) {
    try {
      const answer = await fetch(`state?after=${state.version}`);
      if (!answer.ok) throw new Error(answer.statusText);
      const first = !state.channels.length;
      take(await answer.json());
      document.body.classList.remove("offline");
      if (first) go(); else draw();
    } catch {
      document.body.classList.add("offline");
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

listen();
