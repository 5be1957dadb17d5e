import { el } from "/static/dom.js";
export class NetworkView { constructor() { this.element = el("div", { class: "empty" }, "Not there yet."); } begin() {} stop() {} }
