"use strict";
/* The box over the query picture: drawn, moved and resized with a pointer or with keys.
   Sides are fractions of the picture: {left, top, right, bottom}, or null for all of it. */
class RegionBox {
  constructor(stage, box, changed) {
    this.stage = stage;
    this.box = box;
    this.changed = changed;
    this.region = null;
    this.enabled = true;
    stage.addEventListener("pointerdown", (event) => this.start(event));
    box.addEventListener("keydown", (event) => this.key(event));
  }

  set(region) {
    this.region = region;
    this.box.hidden = !region;
    if (!region) return;
    const style = this.box.style;
    style.left = `${region.left * 100}%`;
    style.top = `${region.top * 100}%`;
    style.width = `${(region.right - region.left) * 100}%`;
    style.height = `${(region.bottom - region.top) * 100}%`;
  }

  at(event) {
    const frame = this.stage.getBoundingClientRect();
    return { x: clamp((event.clientX - frame.left) / frame.width), y: clamp((event.clientY - frame.top) / frame.height) };
  }

  start(event) {
    if (!this.enabled || (event.pointerType === "mouse" && event.button !== 0)) return;
    event.preventDefault();
    const before = this.region, from = this.at(event);
    const corner = event.target.dataset ? event.target.dataset.corner : undefined;
    const inside = event.target === this.box;
    if (inside || corner) this.box.focus();
    const move = (to) => {
      if (corner) return stretch(before, corner, to);
      if (inside) return shift(before, to.x - from.x, to.y - from.y);
      return { left: Math.min(from.x, to.x), top: Math.min(from.y, to.y), right: Math.max(from.x, to.x), bottom: Math.max(from.y, to.y) };
    };
    const moved = (e) => this.set(move(this.at(e)));
    const done = (e) => {
      this.stage.removeEventListener("pointermove", moved);
      this.stage.removeEventListener("pointerup", done);
      this.stage.removeEventListener("pointercancel", done);
      const frame = this.stage.getBoundingClientRect(), now = this.region;
      const tiny = !now || (now.right - now.left) * frame.width < 12 || (now.bottom - now.top) * frame.height < 12;
      if (e.type === "pointercancel" || tiny) this.set(before); /* a tap, not a box */
      else if (!same(before, now)) this.changed(now);
    };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener("pointermove", moved);
    this.stage.addEventListener("pointerup", done);
    this.stage.addEventListener("pointercancel", done);
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") { this.set(null); this.changed(null); return; }
    if (!steps) return;
    event.preventDefault();
    const [x, y] = steps.map((step) => step * 0.02), r = this.region;
    const next = event.shiftKey
      ? { ...r, right: clamp(Math.max(r.right + x, r.left + 0.05)), bottom: clamp(Math.max(r.bottom + y, r.top + 0.05)) }
      : shift(r, x, y);
    if (same(r, next)) return;
    this.set(next);
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.changed(this.region), 400);
  }
}

function clamp(value) { return Math.min(1, Math.max(0, value)); }

function shift(region, x, y) {
  const dx = Math.min(Math.max(x, -region.left), 1 - region.right);
  const dy = Math.min(Math.max(y, -region.top), 1 - region.bottom);
  return { left: clamp(region.left + dx), top: clamp(region.top + dy), right: clamp(region.right + dx), bottom: clamp(region.bottom + dy) };
}

function stretch(region, corner, to) {
  const fixedX = corner.includes("w") ? region.right : region.left;
  const fixedY = corner.includes("n") ? region.bottom : region.top;
  return { left: Math.min(fixedX, to.x), top: Math.min(fixedY, to.y), right: Math.max(fixedX, to.x), bottom: Math.max(fixedY, to.y) };
}

function same(one, other) {
  return Boolean(one && other) && ["left", "top", "right", "bottom"].every((side) => Math.abs(one[side] - other[side]) < 1e-4);
}
