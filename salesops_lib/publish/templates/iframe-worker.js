// Browsers refuse web workers for pages opened from a file. There the search worker runs in a hidden frame
// instead, so that search also works in a site that is read without a server. As between real workers,
// messages are copies and arrive later.
if (location.protocol === "file:") {
  const later = (target, data) => {
    const copy = structuredClone(data);
    setTimeout(() => {
      const event = new MessageEvent("message", { data: copy });
      target.dispatchEvent(event);
      if (target.onmessage && target instanceof EventTarget) target.onmessage(event);
    });
  };
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.documentElement.appendChild(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => later(this, data);
      const script = inside.document.createElement("script");
      script.src = new URL(url, document.baseURI).href;
      script.onload = () => {
        this.waiting.forEach((data) => later(inside, data));
        this.waiting = null;
      };
      script.onerror = (event) => this.onerror && this.onerror(event);
      inside.document.documentElement.appendChild(script);
    }
    postMessage(data) {
      if (this.waiting) this.waiting.push(structuredClone(data));
      else later(this.frame.contentWindow, data);
    }
    terminate() {
      this.frame.remove();
    }
  };
}
