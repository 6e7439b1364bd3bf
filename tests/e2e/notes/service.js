"use strict"; // notes: service.js VERSION; NOTES_DIR, NOTES_PORT. An append log of JSON lines, fsynced before it answers.
const fs = require("fs"), http = require("http");
const version = process.argv[2], file = `${process.env.NOTES_DIR}/data/notes.log`;
const fd = fs.openSync(file, "a+"), whole = fs.readFileSync(file);
let length = whole.lastIndexOf(10) + 1;
fs.ftruncateSync(fd, length); // a line torn by a crash was never acknowledged
const notes = whole.toString("utf8", 0, length).split("\n").filter(Boolean).map(line => JSON.parse(line));
let waiting = [], busy = false;
let ending = false;
const answer = (res, code, body) => res.writeHead(code, { "Content-Type": "application/json", ...(ending && { Connection: "close" }) }).end(JSON.stringify(body));

async function flush() { // all that waits goes in together, with one fsync
  if (busy) return;
  for (busy = true; waiting.length;) {
    const batch = waiting; waiting = [];
    const bytes = Buffer.from(batch.map(w => JSON.stringify(w.note) + "\n").join(""));
    try {
      for (let at = 0; at < bytes.length;) at += fs.writeSync(fd, bytes, at);
      await new Promise((ok, no) => fs.fdatasync(fd, e => e ? no(e) : ok()));
      length += bytes.length;
      for (const { note, res } of batch) notes.push(note), answer(res, 201, { id: notes.length });
    } catch (error) {
      fs.ftruncateSync(fd, length);
      for (const { res } of batch) answer(res, 507, { error: error.message });
    }
  }
  busy = false;
}

const server = http.createServer((req, res) => {
  const url = new URL(req.url, "http://x"), number = (name, other) => Number(url.searchParams.get(name)) || other;
  if (req.method === "POST" && url.pathname === "/notes") {
    let body = "";
    return void req.on("data", d => body += d).on("end", () => {
      let note; try { note = JSON.parse(body); } catch { return answer(res, 400, { error: "not JSON" }); }
      waiting.push({ note: { token: note.token, payload: note.payload }, res });
      if (process.env.NOTES_FLAW === "early") return answer(res, 201, {}), notes.push(waiting.pop().note), setTimeout(() => fs.writeSync(fd, JSON.stringify(note) + "\n"), 2000);
      flush();
    });
  }
  if (url.pathname === "/health") return answer(res, 200, { ok: true });
  if (url.pathname === "/version") return answer(res, 200, { version });
  if (url.pathname === "/notes") { // version 2 also says how many there are
    const items = notes.slice(-number("limit", 20));
    return answer(res, 200, version === "1" ? { items } : { items, count: notes.length });
  }
  if (url.pathname === "/readback") {
    const after = number("after", 0), end = after + 1000;
    return answer(res, 200, { items: notes.slice(after, end), next: end < notes.length ? end : null });
  }
  answer(res, 404, { error: "no such page" });
}).listen(Number(process.env.NOTES_PORT), "127.0.0.1");
process.on("SIGTERM", () => { ending = true; server.close(() => process.exit(0)); server.closeIdleConnections(); });
