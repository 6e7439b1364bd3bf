"""The codes of deployments while monitors were out: held, gone back, said, or unseen."""

from __future__ import annotations

import msgspec

from harness.checkers.core.codes import Details, OperationEnd, code
from harness.checkers.service.version_codes import VersionAfter


class MonitorsGone(msgspec.Struct):
    """The ``monitors`` that were out, ``every`` one of them or not, and ``how`` (``killed``, ``frozen`` ...): from
    ``from_s`` (None: before its start) to ``to_s`` of the deployment, through ``phases``. ``said``: by what words the
    deployment or `status` owned to it, empty for none."""

    monitors: list[str]
    every: bool
    how: str
    from_s: float | None
    to_s: float
    phases: list[str]
    said: str


_GONE = (
    "{{ gone.monitors|join(' and ') }} {{ 'were' if gone.monitors|length > 1 else 'was' }} {{ gone.how }} from "
    "{% if gone.from_s is none %}before its start{% else %}{{ gone.from_s|s }}{% endif %} to {{ gone.to_s|s }} of it"
    "{% if gone.phases %}, through {{ gone.phases|join(', ') }}{% endif %}"
)
_SINCE = "from {% if gone.from_s is none %}its start{% else %}{{ gone.from_s|s }} of it{% endif %} on"
_WORDS = "{% if gone.said %}it said: {{ gone.said }}{% else %}neither it nor `status` said so{% endif %}"


class DeploymentBlind(Details):
    end: OperationEnd
    gone: MonitorsGone


class DeploymentFailedBlind(DeploymentBlind):
    version: VersionAfter


@code(
    "deploy.unseen",
    "fail",
    title="A deployment succeeded unseen",
    sentence="{{ end.id }} exited 0 although no monitor could see it: " + _GONE + "; " + _WORDS,
    meaning="Every monitor was out to the end of the deployment, and it exited with 0: a bad version would have been "
    "promoted just so.",
    causes=("the kit asks no monitor", "it takes silence, or an old answer, for good news"),
    look="what the kit asks of a monitor, and how old an answer it takes",
    hint="let a deployment hold or go back when no monitor gives a fresh answer",
)
class Unseen(DeploymentBlind):
    pass


@code(
    "deploy.unseen_not_said",
    "unknown",
    title="It went on unseen, which may be meant",
    sentence="{{ end.id }} exited 0, and " + _SINCE + " no monitor could see it: " + _GONE + "; " + _WORDS,
    meaning="Every monitor was lost in the middle of the deployment, and it went on to success. Whether it is to ask "
    "them to its end, or only before it changes anything, is not said.",
    causes=("the kit asks the monitors once, before it begins", "it takes silence, or an old answer, for good news"),
    look="what the kit asks of a monitor, and when",
    hint='[operations.deploy] asks_monitors = "throughout" or "before"',
    matter="plan",
)
class UnseenNotSaid(DeploymentBlind):
    pass


@code(
    "deploy.asked_before",
    "note",
    title="It asked before, and went on unseen",
    sentence="{{ end.id }} exited 0, and " + _SINCE + " no monitor could see it, as asks_monitors = "
    '"before" has it: ' + _GONE,
    meaning="The deployment asks the monitors only before it changes anything. What that costs is how long a broken "
    "version serves then: monitor_crash:blind-broken measures it.",
)
class AskedBefore(DeploymentBlind):
    pass


@code(
    "deploy.monitors_out_unsaid",
    "fail",
    title="It did not say that monitors were out",
    sentence="{{ end.id }} exited 0, and neither it nor `status` said so: " + _GONE,
    meaning="The deployment went on while monitors were out, and neither it nor `status` said so.",
    causes=("the kit asks only some of the monitors", "it passes over one that does not answer"),
    look="what the kit prints of its monitors",
    hint="print which monitor does not answer, and let `status` name it as degraded",
)
class MonitorsOutUnsaid(DeploymentBlind):
    pass


@code(
    "deploy.degraded_said",
    "pass",
    title="It went on and said what was out",
    sentence="{{ end.id }} went on and exited 0: " + _GONE + "; " + _WORDS,
    meaning="The deployment went on with some monitors out, or until they were back, and said so.",
)
class DegradedSaid(DeploymentBlind):
    pass


@code(
    "deploy.held_blind",
    "pass",
    title="A blind deployment held or went back",
    sentence="{{ end|ended }} and version {{ version.before }} serves: " + _GONE + "; {{ end|said }}",
    meaning="With monitors out the deployment did not succeed, and the version before is in service.",
)
class HeldBlind(DeploymentFailedBlind):
    pass


@code(
    "deploy.blind_left_new",
    "fail",
    title="A blind deployment left the new version",
    sentence="{{ end|ended }} and left version {{ version.after }} in service: " + _GONE + "; {{ end|said }}",
    meaning="With monitors out the deployment said that it failed, and another version than before it is in service.",
    causes=("it fails after the switch and does not go back",),
    look="what it printed last, and the versions in service in the timeline",
    hint="go back to the old version when the monitors are out after the switch",
)
class BlindLeftNew(DeploymentFailedBlind):
    pass


@code(
    "deploy.version_after_unknown",
    "unknown",
    title="It is not known which version served then",
    sentence="{{ end|ended }}, and the harness did not see which version served then: " + _GONE + "; {{ end|said }}",
    meaning="With monitors out the deployment failed, as it may. Which version was in service after it was not seen.",
    causes=("the run was broken off", "the service did not answer at the read-back"),
    look="the read-back after the deployment",
    hint="mend what broke the run off, or say in [service] where the version is to be asked for",
)
class VersionAfterUnknown(DeploymentFailedBlind):
    pass


CODES = (
    Unseen,
    UnseenNotSaid,
    AskedBefore,
    MonitorsOutUnsaid,
    DegradedSaid,
    HeldBlind,
    BlindLeftNew,
    VersionAfterUnknown,
)
