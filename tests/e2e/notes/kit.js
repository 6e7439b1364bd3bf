"use strict"; // notes: the deployment kit. kit.js start|stop|seed|backup|validate|deploy|rollback|restore|status [ARGUMENT]
const fs = require("fs"), net = require("net"), crypto = require("crypto"), { spawn } = require("child_process");
const [verb, argument] = process.argv.slice(2), dir = process.env.NOTES_DIR, port = process.env.NOTES_PORT;
const log = `${dir}/data/notes.log`, backups = `${dir}/backup`, pidFile = `${dir}/pid`, stateFile = `${dir}/state.json`;
const sleep = ms => new Promise(go => setTimeout(go, ms));
const mark = (phase, event) => new Promise(go => { // from Deploydrill's README
  if (!process.env.DEPLOYDRILL_PHASES) return go();
  const s = net.connect(process.env.DEPLOYDRILL_PHASES).once("data", () => go(s.end())).on("error", go);
  s.write(JSON.stringify({ phase, event, operation: process.env.DEPLOYDRILL_OPERATION }) + "\n");
});
async function phase(name, work) { await mark(name, "start"); const got = await work(); await mark(name, "stop"); return got; }

const sync = path => { const fd = fs.openSync(path, "r"); fs.fsyncSync(fd); fs.closeSync(fd); };
function put(path, ...parts) { // whole and on the disk, or not there at all under this name
  const fd = fs.openSync(path + ".tmp", "w");
  try { for (const part of parts) fs.writeFileSync(fd, part); fs.fsyncSync(fd); }
  catch (error) { fs.unlinkSync(path + ".tmp"); throw error; } finally { fs.closeSync(fd); }
}
function publish(path) { fs.renameSync(path + ".tmp", path); sync(path.replace(/\/[^/]*$/, "")); }
function room(path, bytes) {
  const s = fs.statfsSync(path), free = s.bavail * s.bsize, need = bytes * 1.05 + (1 << 20);
  if (free < need) throw Error(`${path}: ${free} bytes free, ${need} needed`);
}
const state = () => fs.existsSync(stateFile) ? JSON.parse(fs.readFileSync(stateFile)) : { version: null, previous: null };
const setState = to => { put(stateFile, JSON.stringify(to)); publish(stateFile); };
const sha = bytes => crypto.createHash("sha256").update(bytes).digest("hex");
function contents(path) { // a backup is the log and one line with its checksum
  const all = fs.readFileSync(path), at = all.lastIndexOf(10, all.length - 2) + 1, body = all.subarray(0, at);
  if (JSON.parse(all.subarray(at)).sha256 !== sha(body)) throw Error(`${path}: checksum differs`);
  for (const line of body.toString().split("\n")) if (line) JSON.parse(line);
  return body;
}
const sound = path => { try { return !!contents(path); } catch { return false; } };
const list = () => fs.readdirSync(backups).filter(n => n.endsWith(".bak")).sort().map(name => {
  const path = `${backups}/${name}`;
  return { name, path, size: fs.statSync(path).size, eligible: sound(path) };
});

function running() { // the service's pid, or 0
  try { const pid = +fs.readFileSync(pidFile); return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("service.js") ? pid : 0; }
  catch { return 0; }
}
async function stop() {
  const pid = running();
  if (pid) process.kill(pid, "SIGTERM");
  for (let i = 0; pid && running(); i++, await sleep(10)) if (i === 500) process.kill(pid, "SIGKILL");
}
async function start(version) {
  if (!["1", "2"].includes(version)) throw Error(`no version ${version}`);
  await stop();
  const out = fs.openSync(`${dir}/service.log`, "a");
  const child = spawn(process.execPath, [`${__dirname}/service.js`, version], { detached: true, stdio: ["ignore", out, out] });
  child.unref(); fs.writeFileSync(pidFile, String(child.pid));
  for (let i = 0; i < 500 && child.exitCode === null; i++, await sleep(20))
    try { if ((await (await fetch(`http://127.0.0.1:${port}/version`)).json()).version === version) return; } catch { }
  throw Error(`version ${version} does not come up`);
}
const lock = "\0notes-kit" + dir;
const holder = () => new Promise(go => net.connect(lock).on("connect", function () { go("held"); this.destroy(); }).on("error", () => go(null)));
async function locked(work) { // a socket in the abstract name space: the kernel frees it with its holder
  await mark(`${verb}.lock`, "start");
  for (let i = 0; ; i++, await sleep(100)) {
    const got = await new Promise(go => {
      const s = net.createServer().on("error", () => go(null)).listen(lock, () => go(s));
    });
    if (got) break;
    if (i === 50) throw Error("another operation has the lock");
  }
  await mark(`${verb}.lock`, "stop");
  await work();
}

const verbs = {
  async start() { await start(argument); if (!state().version) setState({ version: argument, previous: null }); },
  stop,
  seed() {
    const line = n => JSON.stringify({ token: `seed-${n}`, payload: "x".repeat(1000) }) + "\n";
    put(log, Array.from({ length: Math.ceil(argument / line(0).length) }, (_, n) => line(n)).join("")); publish(log);
  },
  backup: () => locked(async () => {
    for (const n of fs.readdirSync(backups)) if (n.endsWith(".tmp")) fs.unlinkSync(`${backups}/${n}`);
    room(backups, fs.statSync(log).size);
    const path = `${backups}/${Date.now()}.bak`;
    await phase("backup.copy", () => {
      const all = fs.readFileSync(log), body = all.subarray(0, all.lastIndexOf(10) + 1);
      put(path, body, JSON.stringify({ sha256: sha(body) }) + "\n");
    });
    await phase("backup.verify", () => contents(path + ".tmp"));
    publish(path);
    for (const old of list().filter(b => b.eligible).slice(0, -3)) fs.unlinkSync(old.path);
  }),
  validate() { if (process.env.NOTES_FLAW !== "yes") contents(argument); },
  deploy: () => locked(async () => {
    const was = state();
    await phase("deploy.check", () => { if (!["1", "2"].includes(argument)) throw Error(`no version ${argument}`); room(`${dir}/data`, 0); });
    await phase("deploy.migrate", () => { // version 2 keeps its count of notes beside the log; version 1 does not look at it
      const summary = `${dir}/data/summary.json`;
      put(summary, JSON.stringify({ notes: fs.readFileSync(log, "utf8").split("\n").length - 1 })); publish(summary);
    });
    await mark("deploy.switch", "start");
    try { await phase("deploy.start", () => start(argument)); }
    catch (error) { await phase("deploy.back", () => start(was.version)); throw error; }
    setState({ version: argument, previous: was.version === argument ? was.previous : was.version });
    await mark("deploy.switch", "stop");
  }),
  rollback: () => locked(async () => {
    const { version, previous } = state();
    if (!previous) throw Error("nothing to go back to");
    await phase("rollback.start", () => start(previous));
    setState({ version: previous, previous: version });
  }),
  restore: () => locked(async () => {
    const body = contents(argument), { version } = state();
    room(`${dir}/data`, body.length);
    await phase("restore.copy", () => put(log, body));
    await stop();
    publish(log);
    await phase("restore.start", () => start(version));
  }),
  async status() {
    const all = list(), latest = all.filter(b => b.eligible).pop();
    console.log(JSON.stringify({ latest: latest ? latest.path : null, backups: all, version: state().version, schema: "1", lock: await holder() }));
  },
};
(async () => verbs[verb]())().then(() => process.exit(0), error => { console.error(`${verb}: ${error.message}`); process.exit(1); });
