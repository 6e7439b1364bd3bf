"""The sentences of a report, built of text and of numbers that know where in result.json they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.model import Outcome
from harness.recording.samples import OUTCOMES
from harness.report.documents.clean import one_line
from harness.report.documents.derived import derive
from harness.report.documents.numbers import plain, quantity
from harness.report.documents.order import by_severity, first
from harness.report.documents.paths import lookup

Document = Mapping[str, Any]
SIGN: Mapping[str, str] = {"pass": "✓", "fail": "✕", "unknown": "?", "note": "i"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number of result.json: at ``path``, or computed from the document by the derivation named ``derived``."""

    path: str = ""
    unit: str = ""
    derived: str = ""

    def text(self, document: Document) -> str:
        return quantity(derive(document, self.derived) if self.derived else lookup(document, self.path), self.unit)


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence of result.json, quoted as it stands there."""

    path: str

    def text(self, document: Document) -> str:
        return one_line(str(lookup(document, self.path)))


Sentence = Sequence[str | Number | Text]


def said(sentence: Sentence, document: Document) -> str:
    """The sentence as plain text."""
    return plain("".join(part if isinstance(part, str) else part.text(document) for part in sentence))


_LEAD: Mapping[str, str] = {"pass": "", "fail": "Refuted: ", "unknown": "Unknown: "}


def headline(document: Document) -> Sentence:
    """The verdict in words."""
    return (_LEAD[document["outcome"]], *reason(document))


def reason(document: Document) -> Sentence:
    """What the outcome rests on: the title of the finding that is read first, and how many more there are."""
    outcome: Outcome = document["outcome"]
    findings = document["findings"]
    if outcome == "pass":
        least, most = (derive(document, f"claims_{which}_n") for which in ("least", "most"))
        if least and all(c["outcome"] == "pass" for c in document["claims"]):
            fewer: Sentence = (Number(derived="claims_least_n"), " to ") if least < most else ()
            runs = " runs each" if most > 1 else " run each"
            return ("All claims held, those about operations by ", *fewer, Number(derived="claims_most_n"), runs)
        return ("Every check passed, ", Number(derived="findings_pass"), " of ", Number(derived="findings"))
    place = first(document)
    if place is None:
        return ("nothing was judged" if not findings else "see the warnings",)
    more = derive(document, f"findings_{outcome}") - 1
    finding = "finding" if more == 1 else "findings"
    rest: Sentence = (" (", Number(derived=f"findings_{outcome}_more"), f" more {finding})") if more else ()
    return (Text(f"findings.{place}.title"), *rest)


def downtime(document: Document) -> Sentence:
    """What the prober saw, of what counts as downtime (the verdict counts the load's requests as well). Zero is never
    bare: it comes with n, deadline, resolution and the bound on the rate."""
    probe = document["load"].get("probe") or {}
    if not probe.get("n"):
        return ("The prober has no samples: nothing can be said about downtime",)

    def at(name: str, unit: str = "") -> Number:
        return Number(f"load.probe.{name}", unit)

    start: Sentence = (
        "Probes alone: ",
        at("bad"),
        " bad of ",
        at("n"),
        " at a ",
        Number(derived="deadline_s", unit="s"),
        " deadline, ",
    )
    channel = probe.get("longest_gap_channel")
    where: Sentence = (" (", Text("load.probe.longest_gap_channel"), ")") if channel else ()
    longest: Sentence = ("longest gap without a success ", at("longest_gap_ms", "ms"), *where)
    if probe["bad"] == 0:
        gap = probe.get("longest_gap_ms")
        quiet = gap is None or gap <= probe["resolution_ms"]
        seen: Sentence = ("no gap seen",) if quiet else longest
        return (
            *start,
            *seen,
            " at ",
            at("resolution_ms", "ms"),
            " resolution, rate <= ",
            at("bad_rate_upper", "fraction"),
            " (95 %)",
        )
    return (
        *start,
        "longest outage ",
        at("longest_outage_ms", "ms"),
        ", bad for ",
        at("total_bad_ms", "ms"),
        " in total, ",
        *longest,
        ", resolution ",
        at("resolution_ms", "ms"),
        ", rate <= ",
        at("bad_rate_upper", "fraction"),
        " (95 %)",
    )


def what(claim: Mapping[str, Any]) -> str:
    """The key that its author wrote, ``deploy_outage_s``. Older results do not have it."""
    return one_line(str(claim.get("key") or f"{claim['subject']} {claim['measure']}"))


def outcomes(load: Mapping[str, Any]) -> list[str]:
    """The kinds of outcome that were counted, in the order of the sample format."""
    counted = load.get("outcomes") or {}
    return [*(k for k in OUTCOMES if k in counted), *(k for k in counted if k not in OUTCOMES)]


def limit(claim_path: str, claim: Mapping[str, Any]) -> Sentence:
    """``<= 120 s, every one``."""
    level = "every one" if claim["level"] == "every" else claim["level"]
    return ("≤ ", Number(f"{claim_path}.limit", claim["unit"]), f", {level}")


def ended_badly(operation: Mapping[str, Any]) -> bool:
    """Not as it should: a damaged backup that `validate` refuses is as it should."""
    if operation["exit"] is None:
        return True
    return (operation["exit"] == 0) is (operation["expect"] == "failure")


def fault_state(fault: Mapping[str, Any]) -> str:
    """What became of a fault, in words: a fault that was not felt by the system shows nothing."""
    if fault["injected_s"] is None:
        return "never fired"
    if not fault["applied"]:
        return "injected, not confirmed"
    bit = "bit" if fault["felt"] else "applied, not felt by the system"
    return bit if fault["healed_s"] is not None else f"{bit}; no healing recorded"


def campaign_headline(document: Document) -> Sentence:
    """The verdict of several runs in words."""
    runs = document["runs"]
    if document["outcome"] == "pass":
        return ("All checks passed in ", Number(derived="runs_pass"), " of ", Number(derived="runs"), " runs")
    if not runs:
        return ("Unknown: no run was judged",)
    place = by_severity(runs)[0]
    counted = "fail" if document["outcome"] == "fail" else "unknown"
    lead = "Refuted in " if counted == "fail" else "Unknown in "
    return (
        lead,
        Number(derived=f"runs_{counted}"),
        " of ",
        Number(derived="runs"),
        " runs. First, ",
        Text(f"runs.{place}.scenario"),
        " ",
        Text(f"runs.{place}.cell"),
        ": ",
        Text(f"runs.{place}.why"),
    )
