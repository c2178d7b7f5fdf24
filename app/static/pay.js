// The payment page, kept up to date: the server draws each part, this puts it in place. Without this
// script the page is loaded anew by itself. It holds no text: all of it comes with the page.
"use strict";

(() => {
  const LOST_AFTER_SECONDS = 5;
  const SHOWN_COPIED_SECONDS = 2;
  const parts = document.getElementById("parts");
  const said = document.getElementById("said");
  const lost = document.getElementById("lost");
  const state = () => document.getElementById("part-state");
  let deadline = null;
  let stream = null;
  let polling = null;
  let losing = null;

  const isLive = () => state().dataset.live === "yes";

  function clock(seconds) {
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    return hours
      ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
      : `${minutes}:${two(seconds % 60)}`;
  }

  // The time that is left is counted from what the server said, whatever this machine's clock says.
  function startCountdown() {
    const left = document.getElementById("left");
    const seconds = left && left.dataset.seconds;
    deadline = seconds ? performance.now() + Number(seconds) * 1000 : null;
  }

  function countDown() {
    const left = document.getElementById("left");
    if (!left || deadline === null) return;
    const seconds = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
    left.textContent = clock(seconds);
    if (seconds === 0) {
      deadline = null;
      refresh();
    }
  }

  function showButtons() {
    for (const button of parts.querySelectorAll("button")) button.hidden = false;
  }

  function replacePart(old, fresh) {
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const target = focused && focused.dataset.copy;
    const details = fresh.querySelector("details");
    if (details) details.open = old.querySelector("details[open]") !== null;
    if (old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (focused && !focused.isConnected) {
      const again = target && old.querySelector(`[data-copy="${target}"]`);
      (again || state()).focus();
    }
  }

  function show(html) {
    const drawn = new DOMParser().parseFromString(html, "text/html");
    for (const button of drawn.querySelectorAll("button")) button.hidden = false;
    for (const fresh of drawn.querySelectorAll("[id^=part-]")) {
      const old = document.getElementById(fresh.id);
      if (old) replacePart(old, fresh);
    }
    document.title = state().dataset.title;
    startCountdown();
    countDown();
    if (!isLive()) stopAsking();
  }

  async function refresh() {
    try {
      const answer = await fetch(location.pathname, { cache: "no-store" });
      if (answer.status === 404) {
        location.reload(); // the link is over: the server says so
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.text());
      hasContact();
    } catch {
      lost.hidden = false;
    }
  }

  function hasContact() {
    clearTimeout(losing);
    losing = null;
    lost.hidden = true;
  }

  // A stream ends now and then, and is open again in a moment.
  function maybeLost() {
    if (losing === null) {
      losing = setTimeout(() => {
        lost.hidden = false;
      }, LOST_AFTER_SECONDS * 1000);
    }
  }

  function stopAsking() {
    hasContact();
    if (stream) stream.close();
    if (polling) clearInterval(polling);
    stream = polling = null;
  }

  function poll() {
    if (polling === null && isLive()) polling = setInterval(refresh, Number(state().dataset.refresh) * 1000);
  }

  function listen() {
    stream = new EventSource(`${location.pathname}/events`);
    stream.addEventListener("open", hasContact);
    stream.addEventListener("view", (event) => show(JSON.parse(event.data).html));
    stream.addEventListener("error", () => {
      if (stream && stream.readyState === EventSource.CLOSED) {
        stream = null; // refused: too many pages are open, or the link is over
        refresh();
        poll();
      } else if (stream) {
        maybeLost();
      }
    });
  }

  function say(text) {
    said.textContent = "";
    requestAnimationFrame(() => {
      said.textContent = text;
    });
  }

  async function copyText(element) {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      // A page that came over plain http may only copy what is selected.
      getSelection().selectAllChildren(element);
      return document.execCommand("copy");
    }
  }

  async function copy(button) {
    const done = await copyText(document.getElementById(button.dataset.copy));
    const words = document.body.dataset;
    say(done ? words.copied : words.notCopied);
    if (!done) return;
    const before = button.dataset.words || button.textContent;
    button.dataset.words = before;
    button.textContent = words.copied;
    setTimeout(() => {
      button.textContent = before;
    }, SHOWN_COPIED_SECONDS * 1000);
  }

  parts.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy) copy(button);
    else print();
  });

  showButtons();
  startCountdown();
  setInterval(countDown, 1000);
  if (isLive()) listen();
})();
