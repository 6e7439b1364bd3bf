"""Every file of a folder, rendered from its result.json or campaign.json and the recordings beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host.forked import Forked
from harness.host.staging import write_whole
from harness.recording.recording import Recording
from harness.report.data.junit import write_junit
from harness.report.data.tables import write_tables
from harness.report.documents import campaign, discrimination
from harness.report.documents.clean import CLIP_BYTES, Tail, clean, tail
from harness.report.documents.result import NAME, read_document
from harness.report.html import figures, timeline
from harness.report.html import page as html
from harness.report.html.drawing import NARROW, WIDE, Draw, both
from harness.report.text import markdown

Document = Mapping[str, Any]
PAGE = "report.html"
MOST_LOGS = 20


def render(folder: Path) -> list[Path]:
    """Whatever the folder holds: a discrimination, a campaign or a run."""
    if (folder / discrimination.NAME).exists():
        return render_discrimination(folder)
    return render_campaign(folder) if (folder / campaign.NAME).exists() else render_run(folder)


def render_run(folder: Path, fork: bool = False) -> list[Path]:
    """report.html, report.md, junit.xml, the CSV tables and timeline.png of one run. ``fork``: on two cores."""
    document = read_document(folder / NAME)
    with _telling(folder):
        extras, png = _extras(document, folder, fork)
        return [
            _save(folder / PAGE, html.run_page(document, extras)),
            _save(folder / "report.md", markdown.run_markdown(document)),
            write_junit([document], folder / "junit.xml"),
            *write_tables([document], folder),
            *([_save(folder / "timeline.png", png)] if png else ()),
        ]


def get_ready() -> None:
    """Do what the first rendering of a process has to do before it, and what takes as long as a small run is drawn:
    import matplotlib, compile the templates."""
    _import_what_draws()
    html.compile_templates()


def _import_what_draws() -> None:
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401 - for its own sake


def render_missing(runs: Iterable[Path]) -> None:
    """The files of those judged runs that have no page yet: beside a neighbour that is measured nothing is drawn."""
    for run in runs:
        if not (run / PAGE).exists():
            render_run(run, fork=True)


def render_campaign(folder: Path, *, runs_too: bool = True) -> list[Path]:
    """The same for a campaign, and for each of its runs unless they were rendered as they ended."""
    document = read_document(folder / campaign.NAME)
    runs = [folder / run["path"] for run in document["runs"]]
    attempts = [folder / attempt["path"] for run in document["runs"] for attempt in run["attempts"][:-1]]
    written = [path for run in (*runs, *attempts) for path in (render_run(run) if runs_too else ())]
    documents = [read_document(run / NAME) for run in runs]
    with _telling(folder):
        picture = both(partial(figures.campaign_svg, document))
        written += [
            _save(folder / PAGE, html.campaign_page(document, picture)),
            _save(folder / "report.md", markdown.campaign_markdown(document)),
            write_junit(documents, folder / "junit.xml", document.get("not_run", [])),
            *write_tables(documents, folder),
        ]
        if picture:
            written.append(_save(folder / "campaign.png", figures.campaign_png(document)))
    return written


def render_discrimination(folder: Path, *, runs_too: bool = True) -> list[Path]:
    """The page of a discrimination, and all of each of its runs unless they were rendered as they ended."""
    document = read_document(folder / discrimination.NAME)
    runs = [folder / run["path"] for run in document["runs"] if run["path"] and runs_too]
    written = [path for run in runs for path in render_run(run)]
    with _telling(folder):
        return [*written, _save(folder / PAGE, html.discrimination_page(document))]


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HarnessError(
            f"write the report in {folder}", error.strerror or str(error), "make room, then: deploydrill report FOLDER"
        ) from error


def _extras(document: Document, folder: Path, fork: bool) -> tuple[html.Extras, bytes]:
    """What the page shows beside result.json. A folder without its recording still gives a page."""
    recording = Recording(folder)
    events = recording.events
    start_ns = recording.log.start.mono_ns if events else 0
    resources = recording.samples.resources if events else ()
    logs = sorted(path for path in (folder / "logs").rglob("*") if path.is_file() and not path.is_symlink())
    draws: tuple[Draw, ...] = (
        partial(timeline.timeline_svg, document, resources, start_ns),
        partial(figures.strip_svg, document),
        partial(figures.waterfall_svg, document),
        partial(figures.resources_svg, resources, start_ns),
    )
    _import_what_draws()  # once, not in each half
    narrow = Forked(lambda: [draw(NARROW) for draw in draws], fork)
    png = b"" if timeline.is_empty(document) else timeline.timeline_png(document, resources, start_ns)
    wide = [draw(WIDE) for draw in draws]
    pictures = [(w, n) if w else None for w, n in zip(wide, narrow.result(), strict=True)]
    extras = html.Extras(
        timeline=pictures[0],
        strip=pictures[1],
        waterfall=pictures[2],
        resources=pictures[3],
        peaks=html.peaks(resources),
        outputs=_outputs(document, folder),
        logs=[tail(path, str(path.relative_to(folder))) for path in logs[:MOST_LOGS]],
        more_logs=max(0, len(logs) - MOST_LOGS),
    )
    return extras, png


def _outputs(document: Document, folder: Path) -> list[Tail]:
    """What the operations said that did not end with exit 0."""
    outputs = []
    for operation in document["operations"]:
        if operation["exit"] != 0:
            name = f"operations/{operation['id']}.out"
            path = folder / name
            # Without the file there is still what the judge kept of it.
            kept = Tail(name, clean(operation["output"] or "")[-CLIP_BYTES:], 0)
            outputs.append(tail(path, name) if path.is_file() else kept)
    return outputs


def _save(path: Path, content: str | bytes) -> Path:
    return write_whole(path, content if isinstance(content, bytes) else content.encode("utf-8", errors="replace"))
