"""What the guides of the server tell players and operators to use works, and exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import generate_latest

import matinee.serve
from matinee.serve.metrics import Metrics

HOWTO = Path(__file__).parent.parent.parent / "docs" / "howto"
PLAYER = """
import assert from "node:assert/strict";
const store = new Map();
const storage = { getItem: (k) => store.get(k) ?? null, setItem: (k, v) => store.set(k, v) };
const sent = [];
let answer;
globalThis.fetch = async (url, { body }) => { sent.push(JSON.parse(body)); return answer(); };
const reply = (status, body, headers = {}) => () =>
  ({ ok: status < 300, status, json: async () => body, headers: { get: (name) => headers[name] ?? null } });
const beacons = [];
const sendBeacon = (url, body) => beacons.push(JSON.parse(body));
Object.defineProperty(globalThis, "navigator", { value: { sendBeacon } });
let look;
globalThis.IntersectionObserver = class {
  constructor(call, { threshold }) { look = call; assert.equal(threshold, 0.5); }
  observe() {} disconnect() {}
};
console.warn = console.error = () => {};
const ok = reply(200, { accepted: 1, duplicate: 0, rejected: [] });

// No network: the events stay, also for the next visit, and keep their ids.
const queue = new EventQueue(storage);
queue.add({ type: "play", title_id: "t1", watch_s: 60 });
answer = () => { throw new TypeError("offline"); };
await queue.flush();
assert.equal(queue.waiting.length, 1);
assert.ok(queue.pauseUntil > Date.now());
await queue.flush();
assert.equal(sent.length, 1, "a pause is kept");
const again = new EventQueue(storage);
answer = ok;
await again.flush();
assert.deepEqual(sent[1], sent[0]);
assert.equal(again.waiting.length, 0);
assert.equal(new EventQueue(storage).waiting.length, 0);

// Told to wait: not before Retry-After.
again.add({ type: "search", query: "space" });
answer = reply(429, {}, { "Retry-After": "30" });
await again.flush();
assert.ok(again.pauseUntil - Date.now() > 29_000);
assert.equal(again.waiting.length, 1);

// What is refused is not sent for ever; what is many goes in parts; what is too much loses the oldest.
for (const [status, body] of [[200, { rejected: [{ index: 0, error: "no" }] }], [400, { detail: "no" }]]) {
  const wrong = new EventQueue(storage);
  wrong.pauseUntil = 0;
  answer = reply(status, body);
  wrong.add({ type: "play" });
  await wrong.flush();
  assert.equal(wrong.waiting.length, 0);
}
const many = new EventQueue(storage);
answer = ok;
for (let n = 0; n < 5_010; n++) many.add({ type: "play", n });
assert.equal(many.waiting.length, 5_000);
assert.equal(many.waiting[0].n, 10);
await many.flush();
assert.equal(sent.at(-1).length, 100);
assert.equal(many.waiting.length, 4_900);

// Half of a tile for a second: once per page, with its longest stay and its place.
const seen = new EventQueue({ getItem: () => null, setItem() {} });
const tile = (titleId, col) => ({ dataset: { titleId, row: "2", col: String(col) } });
const [watched, skipped] = [tile("t1", 3), tile("t2", 4)];
const impressions = new Impressions(seen, "d1");
look([{ target: watched, time: 0, intersectionRatio: 0.6 }]);
look([{ target: skipped, time: 0, intersectionRatio: 1 }]);
look([{ target: skipped, time: 900, intersectionRatio: 0.2 }]);
look([{ target: watched, time: 1_500, intersectionRatio: 0 }]);
look([{ target: watched, time: 2_000, intersectionRatio: 0.7 }]);
look([{ target: watched, time: 2_100, intersectionRatio: 0.1 }]);
impressions.end();
impressions.end();
assert.equal(seen.waiting.length, 1);
const { event_id, at, ...told } = seen.waiting[0];
assert.deepEqual(told,
  { type: "impression", title_id: "t1", decision_id: "d1", row: 2, col: 3, dwell_ms: 1_500 });
assert.match(event_id, /^[0-9a-f-]{36}$/);
assert.ok(!Number.isNaN(Date.parse(at)));

// The page goes away: what waits is told, and kept until a reply came.
seen.beacon();
assert.equal(beacons[0].length, 1);
assert.equal(seen.waiting.length, 1);
"""


def test_the_players_queue_loses_nothing_and_sees_what_is_seen(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    blocks = re.findall(r"```js\n(.*?)```", (HOWTO / "send-events.md").read_text(encoding="utf-8"), re.DOTALL)
    module = tmp_path / "player.mjs"
    module.write_text(blocks[0] + PLAYER, encoding="utf-8")
    ran = subprocess.run([node, module], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_alerts_name_figures_that_exist() -> None:
    told = generate_latest(Metrics().registry).decode()
    counted = set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE))
    source = "".join(
        path.read_text(encoding="utf-8") for path in Path(matinee.serve.__path__[0]).rglob("*.py")
    )
    counted |= set(re.findall(r'Reading\(\s*"(\w+)"', source))
    text = (HOWTO / "run-the-server.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(matinee_\w+?)(?:_bucket|_count)?\b(?=[\[{ ])", text))
    assert len(named) >= 7
    assert {name for name in named if name not in counted} == set()
