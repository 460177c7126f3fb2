"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const maxBytes = Number(document.querySelector("meta[name=visionseek-max-bytes]").content);
  const HITS = 24;
  const state = { picture: null, similar: null, running: null, retry: null };
  const region = new RegionBox($("stage"), $("box"), regionChanged);

  if (/Mac|iPhone|iPad/.test(navigator.platform)) $("modifier").textContent = "⌘";

  /* A picture comes in: chosen, taken, dropped or pasted. */
  $("choose").onclick = $("another").onclick = () => $("file").click();
  $("camera").onclick = () => $("shot").click();
  for (const input of [$("file"), $("shot")]) {
    input.onchange = () => { if (input.files[0]) take(input.files[0]); input.value = ""; };
  }
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData ? event.clipboardData.files : [])][0];
    if (file) { event.preventDefault(); take(file); }
  });
  let inside = 0;
  const carriesFile = (event) => [...event.dataTransfer.types].includes("Files");
  addEventListener("dragenter", (event) => { if (carriesFile(event)) { inside += 1; $("veil").hidden = false; } });
  addEventListener("dragleave", (event) => { if (carriesFile(event) && (inside -= 1) <= 0) { inside = 0; $("veil").hidden = true; } });
  addEventListener("dragover", (event) => { if (carriesFile(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    inside = 0;
    $("veil").hidden = true;
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });

  function take(file) {
    show(file);
    if (file.size > maxBytes) {
      stop();
      trouble({ type: "urn:visionseek:problem:image-too-large",
        detail: `It has ${(file.size / 1e6).toFixed(1)} MB; the most that is taken is ${(maxBytes / 1e6).toFixed(0)} MB.` });
      return;
    }
    search();
  }

  function show(blob) {
    if ($("picture").src) URL.revokeObjectURL($("picture").src);
    state.picture = blob;
    state.similar = null;
    region.set(null);
    region.enabled = true;
    $("stage").classList.remove("unseen");
    $("picture").hidden = false;
    $("picture").src = URL.createObjectURL(blob);
    $("drop").hidden = true;
    $("chosen").hidden = false;
    $("main").className = "searched";
    buttons();
  }
  $("picture").onerror = () => { /* HEIC, TIFF: the server may read what the browser does not */
    $("picture").hidden = true;
    $("stage").classList.add("unseen");
    region.enabled = false;
    buttons();
  };

  /* The region. */
  function regionChanged() { buttons(); search(); }
  function buttons() {
    $("whole").hidden = !region.region;
    $("mark").hidden = Boolean(region.region) || !region.enabled;
    $("stage-hint").textContent = !region.enabled ? "This browser cannot show the picture."
      : region.region ? "Only the marked region is searched." : "Draw a box around the piece to search for just that.";
  }
  $("whole").onclick = () => { region.set(null); regionChanged(); $("mark").focus(); };
  $("mark").onclick = () => {
    region.set({ left: 0.2, top: 0.2, right: 0.8, bottom: 0.8 });
    regionChanged();
    $("box").focus();
  };

  /* Searching. One search at a time: a newer one ends the older. */
  function search() {
    const r = region.region;
    if (state.similar && !r) {
      return run(fetchFrom(`/v1/products/${encodeURIComponent(state.similar)}/similar?k=${HITS}`));
    }
    const form = new FormData();
    form.append("image", state.picture, "query");
    form.append("k", String(HITS));
    if (r) form.append("region", [r.left, r.top, r.right, r.bottom].map((side) => side.toFixed(5)).join(","));
    return run(fetchFrom("/v1/search", { method: "POST", body: form }));
  }

  function fetchFrom(url, options = {}) { return (signal) => fetch(url, { ...options, signal }); }

  function stop() {
    if (state.running) state.running.abort();
    clearTimeout(state.retry);
    state.running = null;
    $("progress").hidden = true;
  }

  async function run(ask) {
    stop();
    const running = state.running = new AbortController();
    $("progress").hidden = false;
    $("trouble").hidden = true;
    $("hits").classList.add("old");
    if (!$("hits").children.length) $("status").textContent = "Looking…";
    try {
      const response = await ask(running.signal);
      const answer = await response.json();
      if (response.ok) answered(answer);
      else { trouble(answer); if (response.status === 503) again(Number(response.headers.get("Retry-After")) || 2); }
    } catch (error) {
      if (error.name === "AbortError") return;
      trouble({ type: "urn:visionseek:problem:offline" });
      again(3);
    } finally {
      if (state.running === running) { $("progress").hidden = true; state.running = null; }
    }
  }

  function again(seconds) { state.retry = setTimeout(search, seconds * 1000); }

  function answered(answer) {
    $("hits").classList.remove("old");
    $("hits").replaceChildren(...answer.hits.map((hit) => hitCard(hit, searchSimilar)));
    const n = answer.hits.length;
    $("status").textContent = n ? `${n} ${n === 1 ? "piece" : "pieces"}, most similar first` : "Nothing in the catalog looks like it";
    showTimings($("timings"), answer);
    const { shards, answered: came } = answer.coverage;
    $("notice").hidden = came === shards;
    $("notice").textContent = `Only ${came} of ${shards} parts of the catalog answered; there may be better matches.`;
  }

  function trouble(problem) {
    const [title, ...lines] = troubleWords(problem);
    $("hits").replaceChildren();
    $("status").textContent = "";
    $("timings").hidden = $("notice").hidden = true;
    const retry = element("button", "plain", "Try again");
    retry.type = "button";
    retry.onclick = state.picture ? search : about;
    const sentences = lines.filter(Boolean).map((line) => element("p", "", sentence(line)));
    $("trouble").replaceChildren(element("h2", "", title), ...sentences);
    if (!/too-large|image/.test(problem.type || "")) $("trouble").append(retry);
    $("trouble").hidden = false;
  }

  async function searchSimilar(hit) {
    stop();
    try {
      const response = await fetch(hit.image.url);
      if (!response.ok) throw new Error("gone");
      show(await response.blob());
    } catch { trouble({ title: "That picture is gone", detail: "The catalog has changed. Search again." }); return; }
    state.similar = hit.product_id;
    scrollTo({ top: 0, behavior: "smooth" });
    search();
  }

  /* What is there to search. */
  async function about() {
    try {
      const response = await fetch("/v1/index");
      const index = await response.json();
      if (response.ok) {
        $("catalog").textContent = `${index.catalog.products.toLocaleString()} pieces, ${index.images.toLocaleString()} pictures`;
        if (!state.picture) $("trouble").hidden = true;
      } else if (response.status === 503 && !state.picture) {
        trouble(index);
        state.retry = setTimeout(about, 1000 * (Number(response.headers.get("Retry-After")) || 2));
      }
    } catch { /* a search will say it */ }
  }

  async function samples() {
    try {
      const found = await (await fetch("/page/samples")).json();
      if (!Array.isArray(found) || !found.length) return;
      $("samples").querySelector("ul").replaceChildren(...found.map((sample) => {
        const item = element("li"), button = element("button"), picture = element("img");
        button.type = "button";
        button.setAttribute("aria-label", `Search with: ${sample.title}`);
        button.title = sample.title;
        picture.src = `${sample.image.url}?size=192`;
        picture.alt = "";
        button.append(picture);
        button.onclick = async () => { const got = await fetch(sample.image.url); if (got.ok) take(await got.blob()); };
        item.append(button);
        return item;
      }));
      $("samples").hidden = false;
    } catch { /* the page works without */ }
  }
  about();
  samples();
})();
