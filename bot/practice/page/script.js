// The practice room's page. All HTML of messages, modals and letters is made, and escaped, by the server.
"use strict";

const $ = (id) => document.getElementById(id);
const state = { version: 0, users: [], channels: [], messages: new Map(), letters: [], views: [], seen: 0, drawn: "" };
const place = { view: "channel", channel: "", thread: "", letter: 0 };

function me() { return $("user").value; }

function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// ---- where we are: #/general, #/general/THREAD, #/@legwork, #/mail, #/mail/3 ----

function direct() { return { id: `D${me().slice(1)}`, name: "@legwork", topic: "Only you and the bot see this", direct: true }; }

function readPlace() {
  const [first, second] = decodeURI(location.hash).replace(/^#\/?/, "").split("/");
  if (first === "mail") {
    Object.assign(place, { view: second ? "letter" : "mail", thread: "", letter: Number(second) || 0 });
    return;
  }
  const channel = first === "@legwork" ? direct() : state.channels.find((c) => c.name === first) || state.channels[0];
  Object.assign(place, { view: second ? "thread" : "channel", channel: channel ? channel.id : "", thread: second || "", letter: 0 });
}

function channelHere() {
  return place.channel.startsWith("D") ? direct() : state.channels.find((c) => c.id === place.channel) || state.channels[0];
}

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
  const name = channel.direct ? "Legwork" : `# ${channel.name}`;
  $("mail-link").toggleAttribute("aria-current", mail);
  $("direct-link").toggleAttribute("aria-current", !mail && Boolean(channel.direct));
  $("channel-name").textContent = name;
  $("channel-topic").textContent = channel.topic;
  $("thread-where").textContent = name;
  $("thread-close").href = `#/${channel.name}`;

  const key = `${channel.id} ${place.thread} ${me()}`;
  const fresh = key !== state.drawn;
  state.drawn = key;
  const all = [...state.messages.values()].filter((m) => m.channel === channel.id && (!m.only_for || m.only_for === me()));
  fill($("messages"), all.filter((m) => !m.thread), fresh, channel.direct ? "nothing-private" : "nothing-said");
  if (place.thread) fill($("replies"), all.filter((m) => m.ts === place.thread || m.thread === place.thread), fresh);
  drawModal();
  drawLetters();
  document.title = mail ? "Mailbox · Practice room" : `${name.replace(" ", "")} · Practice room`;
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

function drawModal() {
  const top = state.views.filter((view) => view.user === me()).at(-1);
  const shown = $("modal").firstElementChild;
  if (!top) {
    $("modal").replaceChildren();
    if ($("modal").open) $("modal").close();
    return;
  }
  if (shown && shown.dataset.viewId === top.id && shown.version === top.version) return;
  const made = element(top.html);
  made.version = top.version;
  if (shown && shown.dataset.viewId === top.id) {
    for (const [name, value] of new FormData(shown)) if (made.elements[name]) made.elements[name].value = value;
  }
  $("modal").replaceChildren(made);
  if (!$("modal").open) $("modal").showModal();
  (made.querySelector("[aria-invalid]") || made.querySelector("input, textarea"))?.focus();
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

async function act(name, body) {
  try {
    const answer = await fetch(name, { method: "POST", body: JSON.stringify({ user: me(), channel: place.channel, ...body }) });
    const said = answer.headers.get("content-type").startsWith("application/json") ? await answer.json() : {};
    return answer.ok ? said : { refused: said.error || "The practice room cannot do this." };
  } catch {
    return { refused: "The practice room does not answer; is it still running?" };
  }
}

let toasting;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

function agreed(button) {
  const says = button.dataset;
  if (!says.confirmTitle) return Promise.resolve(true);
  const box = $("confirm");
  box.querySelector("h2").textContent = says.confirmTitle;
  box.querySelector("p").textContent = says.confirmText;
  const [no, yes] = box.querySelectorAll("button");
  no.textContent = says.confirmDeny;
  yes.textContent = says.confirmConfirm;
  box.returnValue = "no";
  box.showModal();
  return new Promise((done) => box.addEventListener("close", () => done(box.returnValue === "yes"), { once: true }));
}

async function press(button) {
  if (!(await agreed(button))) return;
  button.classList.add("waiting");
  const said = await act("press", { ts: button.closest("[data-ts]").dataset.ts, button: button.dataset.press });
  button.classList.remove("waiting");
  if (said.refused) toast(said.refused);
}

document.addEventListener("click", (event) => {
  const replies = event.target.closest("[data-thread]");
  if (replies) location.hash = `#/${channelHere().name}/${replies.dataset.thread}`;
  const tab = event.target.closest("[data-tab]");
  if (tab) {
    document.querySelectorAll("[data-tab]").forEach((t) => t.setAttribute("aria-selected", String(t === tab)));
    document.querySelectorAll("[data-pane]").forEach((pane) => { pane.hidden = pane.dataset.pane !== tab.dataset.tab; });
  }
  const hint = event.target.closest("[data-hint], [data-line]");
  if (hint) {
    const text = hint.closest("form").querySelector("textarea");
    text.value = hint.dataset.hint ?? hint.dataset.line + text.value;
    grow(text);
    text.focus();
  }
  const button = event.target.closest("[data-press]");
  if (button) press(button);
  if (event.target.closest("[data-dismiss]")) dismiss();
  if (event.target.closest(".menu")) document.body.dataset.view = "menu";
  else if (event.target.closest("nav a")) document.body.dataset.view = place.view;
});

function dismiss() { act("dismiss", { view: $("modal").firstElementChild.dataset.viewId }); }

$("modal").addEventListener("cancel", (event) => { event.preventDefault(); dismiss(); });

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
}

document.addEventListener("input", (event) => {
  const box = event.target.closest(".box");
  if (box) { grow(event.target); box.querySelector(".refusal").hidden = true; }
});
document.addEventListener("keydown", (event) => {
  const box = event.target.closest(".box:not([data-reply])");
  if (box && event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); box.requestSubmit(); }
});

async function send(form) {
  const box = form.querySelector("textarea");
  const text = box.value.trim();
  if (!text || form.classList.contains("busy")) return;
  form.querySelector(".refusal").hidden = true;
  form.classList.add("busy");
  const thread = form.id === "answer" ? place.thread : "";
  const said = form.dataset.reply ? await act("reply", { letter: Number(form.dataset.reply), text })
    : text.startsWith("/") && !thread ? await act("command", { text }) : await act("say", { text, thread });
  form.classList.remove("busy");
  if (said.refused) {
    form.querySelector(".refusal").textContent = said.refused;
    form.querySelector(".refusal").hidden = false;
    return;
  }
  box.value = "";
  grow(box);
  if (form.dataset.reply) openLetter();
  if (said.errors?.length) toast(`The bot did not take the message: ${said.errors[0]}`);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".box")) { event.preventDefault(); send(form); }
  if (form.dataset.viewId) {
    event.preventDefault();
    form.classList.add("busy");
    act("submit", { view: form.dataset.viewId, values: Object.fromEntries(new FormData(form)) }).then((said) => {
      form.classList.remove("busy");
      if (said.refused) toast(said.refused);
    });
  }
});

$("user").addEventListener("change", () => { try { localStorage.setItem("user", me()); } catch {} go(); });
window.addEventListener("hashchange", go);

// ---- what happens in the room ----

function take(news) {
  state.users = news.users;
  state.channels = news.channels;
  state.views = news.views;
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
