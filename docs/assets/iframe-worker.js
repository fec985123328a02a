// A page opened from a folder may start no worker, which the search is. There it runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super()
      const frame = document.createElement("iframe")
      const script = document.createElement("script")
      let waiting = []
      this.postMessage = (data) => waiting.push(data)
      frame.hidden = true
      frame.title = "search"
      frame.srcdoc = "<!doctype html><title>search</title>"
      frame.addEventListener("load", () => {
        const inside = frame.contentWindow
        const deliver = (data) => inside.dispatchEvent(new MessageEvent("message", { data }))
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
        script.src = new URL(address, location.href)
        script.onload = () => {
          this.postMessage = (data) => setTimeout(deliver, 0, data)
          waiting.forEach((data) => this.postMessage(data))
          waiting = []
        }
        inside.document.head.append(script)
      }, { once: true })
      const begin = () => document.body.append(frame)
      document.body ? begin() : addEventListener("DOMContentLoaded", begin)
    }
  }
}
