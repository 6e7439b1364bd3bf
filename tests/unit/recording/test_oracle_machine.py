"""The oracle (history, restores, losses) agrees with a plain model of what a run may do to the data of a system.

The machine plays the clients, the kit and the data, and writes the recording that such a run leaves. The model keeps,
for each acknowledged write, what can be concluded at that moment; it only moves forward. The oracle looks backwards
from each read-back. Time is a counter.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from harness.checkers.core.codes import outcome_of
from harness.checkers.data.acknowledged_writes import judge_kept, lost_writes
from harness.checkers.data.damage import duplicated, refused_and_found, torn
from harness.checkers.data.losses import measurements
from harness.checkers.data.restore_exact import judge_restored, recovery_point
from harness.model import Observation, Outcome, Write
from harness.recording.history import acknowledged, is_restored, owed, strays
from harness.recording.recorder import EVENTS
from harness.recording.recording import Recording

pytestmark = pytest.mark.usefixtures("clock")

# What may be concluded about an acknowledged write: it must be there, it must not, nobody can tell, nobody asks.
Known = Literal["required", "forbidden", "undecidable", "dropped"]
Entry = tuple[str, str]
OTHER_SENDER = "load-2"
NOT_ENDED = 2**62
FEW = st.integers(0, 2)
WHICH = st.integers(0, 1000)
# What becomes of a read-back: all that is there, or one damage, to the data for good or only to what is answered.
DAMAGES = ("lost", "lost", "returned", "returned", "twice", "torn", "refused", "stranger", "answers 500", "no answer")
READS = (*["truthful"] * 15, *DAMAGES)
LASTS = st.sampled_from([False, False, True])


@dataclass
class Backup:
    """A copy of the data, taken at one moment between ``began`` and ``ended``; ``known`` is what was to be concluded
    when it began. Until the next restore a read-back may still tell what was there then."""

    began: int = 0
    ended: int = 0
    data: list[Entry] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    open: bool = True


@dataclass
class Restore:
    """One that succeeded; ``known`` is what was to be concluded when it began. ``told``: which backup it was from, and
    when that was taken; ``to``: where it ends, as the system.toml says."""

    start: int
    backup: Backup
    told: bool
    to: str
    known: dict[str, Known]
    stop: int = 0


@dataclass
class Expected:
    """What the model says of a read-back."""

    outcome: Outcome
    required: set[str]
    forbidden: set[str]
    undecidable: int
    lost: int


class Oracle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="oracle-machine-"))
        for name in ("ledger", "observations", "operations", "samples"):
            (self.folder / name).mkdir()
        self.clock = 1000
        self.events: list[dict[str, Any]] = []
        self.data: list[Entry] = []
        self.writes: dict[str, Write] = {}
        self.known: dict[str, Known] = {}
        self.met: set[str] = set()  # tokens that any read-back has found
        self.backups: list[Backup] = []
        # For each backup all its operation, and before them the first operation that may have made one.
        self.spans: list[Backup] = []
        self.first: Backup | None = None
        self.restored_ns = 0  # the end of the last restore that succeeded
        self.restored: Restore | None = None  # what the next read-back follows
        self.cause = "start"
        self.operations = 0
        self.sound = True  # nothing of the data was damaged so far, and each sender spoke to this system
        self.expected: list[Expected] = []
        self.work_lost: dict[int, int] = {}  # by each restore that was read back, at its first time

    # -- the clients -----------------------------------------------------------------------------------------------
    def tick(self) -> int:
        self.clock += 10
        return self.clock

    def send(
        self,
        outcome: Literal["acknowledged", "refused", "indeterminate"] = "acknowledged",
        *,
        carried_out: bool = True,
        during: Callable[[], None] = lambda: None,
        before: bool = True,
        sender: str = "load-1",
    ) -> None:
        """One write, under way while something happens; it takes effect ``before`` that or after it."""
        token = f"l-1-1-{len(self.writes)}"
        payload, sent = f"payload of {token}", self.tick()
        # Without an end as yet: a ledger is judged when the run is over, and then holds this one, too.
        self.writes[token] = Write(token, "create", payload, sent, NOT_ENDED, outcome, 0, sender)
        if carried_out and before:
            self.data.append((token, payload))
        during()
        if carried_out and not before:
            self.data.append((token, payload))
        self.writes[token] = replace(self.writes[token], end_ns=self.tick())
        if outcome == "acknowledged":
            # What was sent before a restore had ended may have been taken away by it.
            self.known[token] = "undecidable" if sent <= self.restored_ns else "required"

    def moment(self, name: str, across: str, before: bool, happens: Callable[[], None]) -> None:
        """A moment of an operation, with a write under way across it when it is the one ``across`` names."""
        if name == across:
            self.send(during=happens, before=before)
        else:
            happens()

    @initialize(n=st.integers(0, 4))
    def some_load(self, n: int) -> None:
        self.event("run.start")
        self.some_writes(n)

    @rule(n=st.integers(1, 3))
    def some_writes(self, n: int) -> None:
        for _ in range(n):
            self.send()

    @rule(outcome=st.sampled_from(["refused", "indeterminate"]), carried_out=st.booleans())
    def a_write_not_acknowledged(self, outcome: Literal["refused", "indeterminate"], carried_out: bool) -> None:
        self.send(outcome, carried_out=carried_out and outcome == "indeterminate")

    @precondition(lambda self: not any(w.worker == OTHER_SENDER for w in self.writes.values()))
    @rule(n=st.sampled_from([9, 10]))
    def a_sender_that_another_server_answers(self, n: int) -> None:
        self.sound = False
        for _ in range(n):
            self.send(carried_out=False, sender=OTHER_SENDER)

    # -- the kit ---------------------------------------------------------------------------------------------------
    def event(self, kind: str, **fields: Any) -> None:
        at = fields.pop("at", self.clock)
        self.events.append({"t": at, "w": at, "n": len(self.events), "kind": kind, **fields})

    def operation(self, name: str, start: int, exit: int, to: str = "") -> None:
        self.operations += 1
        self.event(
            "operation.stop",
            id=f"{name}-{self.operations}",
            name=name,
            repeat=0,
            warmup=False,
            expect="any",
            start_ns=start,
            gate_ns=0,
            exit=exit,
            to=to,
        )
        self.cause, self.restored = name, None

    @rule(name=st.sampled_from(["deploy", "deploy", "deploy", "seed"]), succeeds=st.booleans())
    def operate(self, name: str, succeeds: bool) -> None:
        """A deployment leaves the data alone; `seed` makes it anew where it succeeds."""
        start = self.tick()
        if name == "deploy":
            self.maybe_backed_up(start)
        if succeeds and name != "deploy":
            self.data = []
            self.known = dict.fromkeys(self.known, "dropped")
        self.tick()
        self.operation(name, start, 0 if succeeds else 1)

    def maybe_backed_up(self, start: int) -> None:
        self.first = self.first or Backup(start, known=dict(self.known))

    @rule(
        earlier=st.integers(0, 3),
        early=FEW,
        late=FEW,
        across=st.sampled_from(["", "start", "cut", "stop"]),
        before=st.booleans(),
    )
    def back_up(self, earlier: int, early: int, late: int, across: str, before: bool) -> None:
        self.some_writes(earlier)
        start, backup = self.tick(), Backup()
        self.maybe_backed_up(start)
        span = Backup(start, known=dict(self.known))

        def begin() -> None:
            backup.began, backup.known = self.tick(), dict(self.known)

        def cut() -> None:
            backup.data = list(self.data)

        def end() -> None:
            backup.ended = self.tick()

        self.moment("start", across, before, begin)
        self.some_writes(early)
        self.moment("cut", across, before, cut)
        self.some_writes(late)
        self.moment("stop", across, before, end)
        span.ended = self.tick()
        self.operation("backup", start, 0)
        self.backups.append(backup)
        self.spans.append(span)

    @precondition(lambda self: self.backups)
    @rule(
        which=WHICH,
        writes=st.tuples(st.integers(0, 3), FEW, FEW, FEW),
        across=st.sampled_from(["", "start", "switch", "stop"]),
        before=st.booleans(),
        succeeds=st.sampled_from([True, True, True, False]),
        told=st.sampled_from([True, True, True, False]),
        to=st.sampled_from(["snapshot", "snapshot", "latest", ""]),
        first=st.sampled_from([*[None] * 6, "lost", "returned", "truthful"]),
        read=st.sampled_from([None, None, *READS]),
        lasts=LASTS,
    )
    def restore(
        self,
        which: int,
        writes: tuple[int, int, int, int],
        across: str,
        before: bool,
        succeeds: bool,
        told: bool,
        to: str,
        first: str | None,
        read: str | None,
        lasts: bool,
    ) -> None:
        """From the latest backup for the most part, else from any; ``told``: it is known which that was; ``to``: where
        it ends, which may be left unsaid. ``writes`` are sent before it, before it takes effect, after that, and after
        its end. ``first`` and ``read`` are the read-backs before and after it."""
        if first:
            self.read_back(read=first, which=which, lasts=lasts, across=False, before=False)
        earlier, early, late, later = writes
        backup = self.backups[-1] if which % 3 else self.backups[which % len(self.backups)]
        restore = Restore(0, backup, told, to, {})
        there: list[Entry] = []

        def begin() -> None:
            restore.start, restore.known = self.tick(), dict(self.known)
            there.extend(self.data)

        def switch() -> None:
            if succeeds:
                replays = to == "latest" or (not to and which % 2)
                self.data = list(there if replays else backup.data)

        def end() -> None:
            restore.stop = self.tick()
            self.operation("restore", restore.start, 0 if succeeds else 1, to)
            if succeeds:
                self.known = dict.fromkeys(self.known, "undecidable")
                self.restored_ns = restore.stop
                self.restored = restore
                for made in self.copies():
                    made.open = False

        self.some_writes(earlier)
        self.moment("start", across, before, begin)
        self.some_writes(early)
        self.moment("switch", across, before, switch)
        self.some_writes(late)
        self.moment("stop", across, before, end)
        self.some_writes(later)
        if read:
            self.read_back(read=read, which=which, lasts=lasts, across=False, before=False)

    # -- the read-back ---------------------------------------------------------------------------------------------
    @rule(read=st.sampled_from(READS), which=WHICH, lasts=LASTS, across=st.booleans(), before=st.booleans())
    def read_back(self, read: str, which: int, lasts: bool, across: bool, before: bool) -> None:
        def look() -> None:
            if read == "answers 500":
                self.look(None, status=500)
            elif read == "no answer":
                self.look(None)
            else:
                found = self.damaged(read, which)
                self.sound = self.sound and found == self.data
                damaged = found != self.data and read in ("twice", "torn", "refused")
                if lasts:
                    self.data = found
                self.look(found)
                assert not (self.sound and self.expected[-1].outcome == "fail"), "a sound system was failed"
                assert not damaged or self.expected[-1].outcome == "fail", f"{read} went unnoticed"

        self.moment("look", "look" if across else "", before, look)

    def damaged(self, damage: str, which: int) -> list[Entry]:
        """The data with one damage of that kind, where it holds anything that it can befall."""

        def one(entries: Sequence[Entry]) -> Entry | None:
            return entries[which % len(entries)] if entries else None

        found, there = list(self.data), {token for token, _ in self.data}
        written = [(t, w.payload) for t, w in self.writes.items()]
        if damage == "stranger":
            return [*found, ("l-2-2-0", "")]
        entry = {
            "lost": lambda: one([e for e in found if e[0] in self.known]),
            "returned": lambda: one([e for e in written if e[0] in self.known and e[0] not in there]),
            "refused": lambda: one([e for e in written if self.writes[e[0]].outcome == "refused"]),
            "twice": lambda: one(found),
            "torn": lambda: one([e for e in found if e[0] in self.writes]),
            "truthful": lambda: None,
        }[damage]()
        if entry is None:
            return found
        if damage == "lost":
            return [e for e in found if e[0] != entry[0]]
        if damage == "torn":
            return [(t, "torn") if t == entry[0] else (t, p) for t, p in found]
        return [*found, entry]

    def look(self, found: list[Entry] | None, status: int = 0) -> None:
        start = self.tick()
        restore = self.restored
        tokens = {token for token, _ in found or ()}
        self.met |= tokens
        expected = self.expects(found, tokens, start, restore, status)
        number = len(self.expected)
        label = f"look-{number}"
        content: dict[str, Any] = {
            "found": found,
            "error": "" if found is not None else "malformed" if status else "timed out",
            "error_status": status,
            "totals": {},
            "expected_totals": {},
            "artefacts": [],
            "latest": "",
            "status_error": "",
            "version": "1",
            "snapshot_ns": [restore.backup.began, restore.backup.ended] if restore and restore.told else None,
        }
        (self.folder / "observations" / f"{label}.json").write_text(json.dumps(content))
        self.tick()
        self.event("observation", label=label, cause=self.cause, start_ns=start)
        self.expected.append(expected)
        if restore and found is not None:
            self.work_lost.setdefault(restore.stop, expected.lost)
        self.agrees(self.recorded().observations[number], expected, found)
        if found is not None:
            self.learn(tokens)

    def learn(self, tokens: set[str]) -> None:
        for token, known in self.known.items():
            if known == "required" and token not in tokens:
                self.known[token] = "forbidden"
            elif known == "undecidable":
                self.known[token] = "required" if token in tokens else "forbidden"
        for backup in self.copies():
            for token, known in backup.known.items():
                if backup.open and known == "undecidable" and token in tokens:
                    backup.known[token] = "required"

    def copies(self) -> list[Backup]:
        return [*self.backups, *self.spans, *([self.first] if self.first else [])]

    # -- the model's word ------------------------------------------------------------------------------------------
    def expects(
        self, found: list[Entry] | None, tokens: set[str], start: int, restore: Restore | None, status: int
    ) -> Expected:
        asked = {t: self.writes[t] for t in self.known.keys() - self.astray()}
        required, forbidden, undecidable = (
            {t for t in asked if self.known[t] == known} for known in ("required", "forbidden", "undecidable")
        )
        if found is None:
            outcome: Outcome = "fail" if status else "unknown"
            return Expected(outcome, required, forbidden, len(undecidable), 0)
        broken = (
            len(tokens) < len(found)
            or any(t in self.writes and p != self.writes[t].payload for t, p in found)
            or any(t in self.writes and self.writes[t].outcome == "refused" for t in tokens)
        )
        open_questions = any(t not in self.writes for t in tokens)
        if restore is None:
            lost = required - tokens
            broken = broken or bool(lost) or bool(forbidden & tokens)
            open_questions = open_questions or bool(undecidable - tokens) or not required
        else:
            meanwhile = [w for w in asked.values() if w.end_ns >= restore.start and w.sent_ns <= restore.stop]
            before = {t for t, known in restore.known.items() if t in asked and known == "required"}
            lost = (before | {w.token for w in meanwhile}) - tokens
            broken = broken or self.restored_wrongly(tokens, restore, asked)
            open_questions = open_questions or self.restore_open(tokens, restore, asked)
        outcome = "fail" if broken else "unknown" if open_questions else "pass"
        return Expected(outcome, required, forbidden, len(undecidable), len(lost))

    def restored_wrongly(self, tokens: set[str], restore: Restore, asked: dict[str, Write]) -> bool:
        """Something is there, or is not, that no clean cut of the snapshot's time could explain."""
        after = [w for w in asked.values() if w.sent_ns > restore.stop]
        meanwhile = [w for w in asked.values() if w.sent_ns >= restore.start and w.sent_ns <= restore.stop]
        wrong = any(w.token not in tokens for w in after)
        # It took effect at one moment: all that ended before it is gone if anything sent after it is.
        wrong |= any(
            kept.token in tokens and gone.token not in tokens and kept.end_ns < gone.sent_ns
            for kept in meanwhile
            for gone in meanwhile
        )
        backup = self.taken_for(tokens, restore, asked)
        if backup is None:
            assert self.first
            return wrong or self.no_cut(tokens, restore, asked, self.first, restore.start)
        replays = restore.to == "latest" or self.ends_later(tokens, restore, asked, backup)
        return wrong or self.no_cut(tokens, restore, asked, backup, restore.start if replays else backup.ended)

    def taken_for(self, tokens: set[str], restore: Restore, asked: dict[str, Write]) -> Backup | None:
        """The backup that it is judged by: the one that was told, or the latest if that explains what is there."""
        if restore.told:
            return restore.backup
        if restore.to == "latest":
            return self.spans[0]
        last = self.spans[-1]
        return None if self.no_cut(tokens, restore, asked, last, last.ended) else last

    def ends_later(self, tokens: set[str], restore: Restore, asked: dict[str, Write], backup: Backup) -> bool:
        """It is not said where it ends, and it is all the same a clean cut up to its start."""
        newer = any(w.token in tokens for w in self.younger(restore, asked, backup))
        return not restore.to and newer and not self.no_cut(tokens, restore, asked, backup, restore.start)

    def younger(self, restore: Restore, asked: dict[str, Write], backup: Backup) -> list[Write]:
        return [w for w in asked.values() if w.sent_ns > backup.ended and w.end_ns < restore.start]

    def no_cut(self, tokens: set[str], restore: Restore, asked: dict[str, Write], backup: Backup, until: int) -> bool:
        known = {token: known for token, known in backup.known.items() if token in asked}
        wrong = any(k == "required" and token not in tokens for token, k in known.items())
        wrong |= any(k == "forbidden" and token in tokens for token, k in known.items())
        old = [w for w in asked.values() if w.end_ns < restore.start]
        wrong |= any(w.token in tokens for w in old if w.sent_ns > until)
        around = [w for w in old if w.sent_ns <= until]
        if until == restore.start:
            around = [w for w in around if restore.known[w.token] == "required"]
        return wrong or any(
            gone.token not in tokens and kept.token in tokens and backup.began <= gone.end_ns < kept.sent_ns
            for gone in around
            for kept in around
        )

    def restore_open(self, tokens: set[str], restore: Restore, asked: dict[str, Write]) -> bool:
        backup = self.taken_for(tokens, restore, asked)
        if backup is None or self.ends_later(tokens, restore, asked, backup):
            return True
        known = [k for token, k in backup.known.items() if token in asked]
        younger = self.younger(restore, asked, backup)
        told = bool(younger) if restore.to != "latest" else not younger or any(w.token in tokens for w in younger)
        unclear = any(k == "undecidable" and t not in tokens for t, k in backup.known.items() if t in asked)
        return "required" not in known or unclear or not told

    def astray(self) -> set[str]:
        """Writes of the other sender, once it is plain that it spoke to another server."""
        theirs = {t for t in self.known if self.writes[t].worker == OTHER_SENDER}
        others_met = bool((self.known.keys() - theirs) & self.met)
        return theirs if len(theirs) >= 10 and others_met and not theirs & self.met else set()

    # -- both ------------------------------------------------------------------------------------------------------
    def recorded(self) -> Recording:
        """What has happened so far, as the harness would have it on disk."""
        (self.folder / EVENTS).write_text("".join(f"{json.dumps(e)}\n" for e in self.events))
        for sender in ("load-1", OTHER_SENDER):
            rows = [w for w in self.writes.values() if w.worker == sender]
            names = ("token", "operation", "payload", "sent_ns", "end_ns", "outcome", "status")
            lines = [json.dumps({name: getattr(w, name) for name in names}) for w in rows]
            (self.folder / "ledger" / f"{sender}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        return Recording(self.folder)

    def agrees(self, look: Observation, expected: Expected, found: list[Entry] | None) -> None:
        answers = judge_restored(look) if is_restored(look) else judge_kept(look)
        assert outcome_of(answers) == expected.outcome, (answers, expected)
        owes = owed(look, look.start_ns)
        assert {w.token for w in owes.present} == expected.required
        assert {w.token for w in owes.gone} == expected.forbidden
        assert len(owes.unclear) == expected.undecidable
        assert {w.token for w in acknowledged(look)} == self.known.keys() - self.astray()
        assert set(strays(look)) == ({OTHER_SENDER} if self.astray() else set())
        if found is not None:
            lost = recovery_point(look).lost if is_restored(look) else len(lost_writes(look))
            assert lost == expected.lost
            counted = Counter(token for token, _ in found)
            assert duplicated(look) == [token for token, n in counted.items() if n > 1]
            assert torn(look) == [t for t, p in found if p == "torn" and t in self.writes]
            assert refused_and_found(look) == [
                t for t, _ in found if t in self.writes and self.writes[t].outcome == "refused"
            ]

    def teardown(self) -> None:
        """The whole recording, read once: what came later changes no earlier outcome, whatever is judged first."""
        try:
            recording = self.recorded()
            for look, expected in reversed(list(zip(recording.observations, self.expected, strict=True))):
                answers = judge_restored(look) if is_restored(look) else judge_kept(look)
                assert outcome_of(answers) == expected.outcome, (look.label, answers, expected)
            lost = [m.values for m in measurements(recording) if m.unit == "writes"]
            assert lost == ([tuple(map(float, self.work_lost.values()))] if self.work_lost else [])
        finally:
            shutil.rmtree(self.folder)


TestOracle = Oracle.TestCase
TestOracle.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    phases=[Phase.generate, Phase.shrink],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
