// Three pages have a script: the claim, the installation's progress, and the wait for the installed
// box. All work without it: the code is typed, the page reloads itself, the address is given.
"use strict";

const LOOK_EVERY_MS = 1000;
const PATIENCE_MS = 4000;

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function fetchSoon(path) {
  return fetch(path, {
    cache: "no-store",
    credentials: "same-origin",
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}

function drawStage(list, stage) {
  const item = list.querySelector("#stage-" + CSS.escape(stage.name));
  if (!item) return false;
  item.className = stage.state;
  item.querySelector(".state").textContent = stage.state_text;
  item.querySelector("progress").value = stage.percent;
  return true;
}

function draw(page, progress) {
  page.querySelector("#overall").value = progress.percent;
  const live = page.querySelector("#live");
  // Screen readers speak at each change: only when there is one.
  if (live.textContent !== progress.live) live.textContent = progress.live;
  const list = page.querySelector("#stages");
  return progress.stages.map((stage) => drawStage(list, stage)).every(Boolean);
}

async function watch(page) {
  for (;;) {
    try {
      const answer = await fetchSoon(page.dataset.watch);
      if (answer.ok) {
        const progress = await answer.json();
        if (!draw(page, progress) || progress.over) return location.reload();
      } else if (answer.status === 403) {
        return location.reload();
      }
    } catch {
      // The machine is busy; look again.
    }
    await pause(LOOK_EVERY_MS);
  }
}

// Is the page still one that waits? Then nobody is sent there: while the web server itself is exchanged, they could
// meet nobody, and a browser's own page of that looks no more.
async function stillWaits(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[data-wait]") !== null;
}

async function wait(page) {
  for (;;) {
    await pause(LOOK_EVERY_MS);
    try {
      const answer = await fetchSoon(page.dataset.wait);
      if (answer.ok && !(await stillWaits(answer))) {
        const live = document.querySelector("#live");
        live.textContent = live.dataset.found;
        return location.assign(page.dataset.wait);
      }
    } catch {
      // Not back yet.
    }
  }
}

// `mazet flash` prints a picture of the address with the claim code behind `#`: browsers send that
// part to nobody. It is taken out of the address, so that no bookmark and no history keeps it.
function takeCode(field) {
  const code = location.hash.slice(1);
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (!field.value) field.value = code;
}

const claimField = document.querySelector("#claim-form #code");
if (claimField) takeCode(claimField);
const progressPage = document.querySelector("[data-watch]");
if (progressPage) watch(progressPage);
const waitingPage = document.querySelector("[data-wait]");
if (waitingPage) wait(waitingPage);
