// What pages of the files can do only with a script: send files that are dropped, show how far they are,
// and go on where an upload stopped; choose all; copy a link. All else works without it.
"use strict";

const PIECE = 8 * 1024 * 1024;
const AGAIN_MS = [1000, 2000, 5000, 10000, 20000, 30000];

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

class Refused extends Error {}

class Upload {
  constructor(page, file) {
    this.page = page;
    this.file = file;
    this.gone = new AbortController();
    this.draw();
  }

  // What a browser keeps of an upload beyond a reload of the page.
  get memory() {
    return ["mazet-upload", this.page.folder, this.file.name, this.file.size, this.file.lastModified].join("/");
  }

  draw() {
    const { texts, list } = this.page;
    this.item = document.createElement("li");
    this.text = document.createElement("span");
    this.bar = document.createElement("progress");
    this.stop = document.createElement("button");
    this.text.textContent = `${this.file.name} – ${texts.waiting}`;
    this.bar.max = Math.max(this.file.size, 1);
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", this.file.name);
    this.stop.type = "button";
    this.stop.className = "small";
    this.stop.textContent = texts.cancel;
    this.stop.setAttribute("aria-label", `${texts.cancel} ${this.file.name}`);
    this.stop.addEventListener("click", () => this.cancel());
    this.item.append(this.text, this.bar, this.stop);
    list.append(this.item);
    list.hidden = false;
  }

  say(key, values) {
    this.text.textContent = this.page.say(key, { name: this.file.name, ...values });
  }

  async request(address, options) {
    const answer = await fetch(address, { credentials: "same-origin", cache: "no-store", signal: this.gone.signal, ...options });
    if (answer.status === 204) return {};
    const json = await answer.json().catch(() => ({}));
    if (answer.ok || (answer.status === 409 && json.offset !== undefined)) return json;
    // The program starts anew, or the front web server does: no answer of ours.
    if (answer.status >= 500 && answer.status !== 507) throw new TypeError("no answer");
    throw new Refused(json.error || answer.statusText);
  }

  async begin() {
    const known = localStorage.getItem(this.memory);
    if (known) {
      try {
        this.offset = (await this.request(`/files/uploads/${known}`)).offset;
        this.id = known;
        return;
      } catch (fault) {
        if (!(fault instanceof Refused)) throw fault;
        localStorage.removeItem(this.memory);
      }
    }
    const fields = new URLSearchParams({
      csrf: this.page.csrf,
      folder: this.page.folder,
      name: encodeURIComponent(this.file.name),
      size: this.file.size,
    });
    const begun = await this.request("/files/uploads", { method: "POST", body: fields });
    this.id = begun.id;
    this.offset = begun.offset;
    localStorage.setItem(this.memory, this.id);
  }

  // One piece by XMLHttpRequest, which alone tells how far it is.
  send() {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PATCH", `/files/uploads/${this.id}`);
      request.setRequestHeader("X-Csrf", this.page.csrf);
      request.setRequestHeader("Upload-Offset", this.offset);
      request.setRequestHeader("Upload-Modified", this.file.lastModified);
      if (this.page.replace) request.setRequestHeader("Upload-Replace", "1");
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => this.show(this.offset + event.loaded));
      request.addEventListener("load", () => resolve(request));
      request.addEventListener("error", () => reject(new TypeError("no answer")));
      request.addEventListener("abort", () => reject(new Refused("")));
      this.gone.signal.addEventListener("abort", () => request.abort(), { once: true });
      request.send(this.file.slice(this.offset, this.offset + PIECE));
    });
  }

  show(offset) {
    this.bar.value = offset;
    const percent = this.file.size ? Math.floor((100 * Math.min(offset, this.file.size)) / this.file.size) : 100;
    this.say("sending", { percent });
  }

  async piece() {
    const answer = await this.send();
    const json = answer.response || {};
    if (answer.status === 200 || (answer.status === 409 && json.offset !== undefined)) {
      this.offset = json.offset;
      this.show(this.offset);
      return json.path !== undefined;
    }
    if (answer.status === 404) {
      // Somebody gave it up elsewhere: from the beginning.
      localStorage.removeItem(this.memory);
      await this.begin();
      return false;
    }
    if (answer.status >= 500 && answer.status !== 507) throw new TypeError("no answer");
    throw new Refused(json.error || answer.statusText);
  }

  // Whole, or refused: a lost connection is waited for.
  async all() {
    for (let failures = 0; ; ) {
      try {
        if (!this.id) await this.begin();
        if (await this.piece()) return;
        failures = 0;
      } catch (fault) {
        if (fault instanceof Refused || this.gone.signal.aborted) throw fault;
        this.say("failed", { fault: this.page.texts.lost });
        await pause(AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)]);
        failures += 1;
        if (this.gone.signal.aborted) throw fault;
        // How much of the piece came, only the box knows.
        this.id = undefined;
      }
    }
  }

  async run() {
    if (!this.page.replace && this.file.size > this.page.available) return this.fail(this.page.texts.too_large);
    try {
      await this.all();
    } catch (fault) {
      if (this.gone.signal.aborted) return false;
      return this.fail(fault.message);
    }
    localStorage.removeItem(this.memory);
    this.page.available -= this.file.size;
    this.bar.value = this.bar.max;
    this.stop.remove();
    this.say("done");
    return true;
  }

  fail(text) {
    this.item.classList.add("failed");
    this.bar.remove();
    this.stop.remove();
    this.say("failed", { fault: text });
    this.page.speak("failed", { name: this.file.name, fault: text });
    return false;
  }

  cancel() {
    this.gone.abort();
    localStorage.removeItem(this.memory);
    if (this.id) fetch(`/files/uploads/${this.id}`, { method: "DELETE", headers: { "X-Csrf": this.page.csrf } });
    this.bar.remove();
    this.stop.remove();
    this.say("cancelled");
    this.page.speak("cancelled", { name: this.file.name });
  }
}

class Uploads {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("#files");
    this.folder = form.dataset.folder;
    this.available = Number(form.dataset.available);
    this.texts = JSON.parse(form.dataset.texts);
    this.csrf = form.querySelector("[name=csrf]").value;
    this.list = document.querySelector("#upload-list");
    this.live = document.querySelector("#upload-live");
    this.queue = Promise.resolve(true);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.take([...this.input.files]);
      this.input.value = "";
    });
    this.watchDrops();
  }

  get replace() {
    return this.form.querySelector("#replace").checked;
  }

  say(key, values) {
    return this.texts[key].replace(/\{(\w+)\}/g, (gap, name) => (name in values ? values[name] : gap));
  }

  // Screen readers hear what begins and ends, not every percent.
  speak(key, values = {}) {
    this.live.textContent = this.say(key, values);
  }

  take(files) {
    if (!files.length) return;
    const uploads = files.map((file) => new Upload(this, file));
    this.queue = this.queue.then(async () => {
      let good = true;
      for (const upload of uploads) good = (!upload.gone.signal.aborted && (await upload.run())) && good;
      this.speak(good ? "all_done" : "some_failed");
      // The list of files shows the new ones.
      if (good) location.reload();
      return good;
    });
  }

  watchDrops() {
    const carries = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
    let depth = 0;
    const mark = (on) => document.body.classList.toggle("dropping", on);
    addEventListener("dragenter", (event) => {
      if (carries(event)) mark((depth += 1) > 0);
    });
    addEventListener("dragleave", (event) => {
      if (carries(event)) mark((depth -= 1) > 0);
    });
    addEventListener("dragover", (event) => {
      if (carries(event)) event.preventDefault();
    });
    addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      mark(((depth = 0), false));
      const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
      const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory);
      if (folders.length) this.speak("folder");
      this.take(items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile()));
    });
  }
}

function chooseAll(box) {
  const boxes = box.closest("form").querySelectorAll(".file input[type=checkbox]");
  box.closest("label").hidden = false;
  box.addEventListener("change", () => boxes.forEach((one) => (one.checked = box.checked)));
}

function copyLink(field) {
  if (!navigator.clipboard) return;
  const button = document.createElement("button");
  const live = document.createElement("p");
  button.type = "button";
  button.className = "small";
  button.id = "copy";
  button.textContent = field.dataset.copy;
  live.className = "hint";
  live.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    live.textContent = field.dataset.copied;
  });
  field.addEventListener("focus", () => field.select());
  field.after(button, live);
}

const uploadForm = document.querySelector("#upload-form");
if (uploadForm) new Uploads(uploadForm);
const allBox = document.querySelector("#all");
if (allBox) chooseAll(allBox);
const linkField = document.querySelector("#address[data-copy]");
if (linkField) copyLink(linkField);
