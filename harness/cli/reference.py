"""The command reference, harness/docs/cli.md, whose tables are made from click's own list of verbs and options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from harness.cli.main import deploydrill
from harness.host.checkout import DOCS

PAGE = DOCS / "cli.md"
_BEGIN, _END = "<!-- verbs: generated -->\n", "<!-- verbs: end -->\n"


def verbs() -> Mapping[str, click.Command]:
    """Every verb of the command by its name."""
    return dict(sorted(deploydrill.commands.items()))


def options(verb: click.Command) -> set[str]:
    """Every spelling of the options of a verb, ``--help`` included."""
    return {spelled for p in verb.get_params(click.Context(verb)) for spelled in (*p.opts, *p.secondary_opts)}


def page(text: str) -> str:
    """The text of the page with its generated part made anew."""
    before, _, rest = text.partition(_BEGIN)
    sections = "\n".join(_section(name, verb) for name, verb in verbs().items())
    return f"{before}{_BEGIN}{sections}{_END}{rest.partition(_END)[2]}"


def _section(name: str, verb: click.Command) -> str:
    arguments = " ".join(p.make_metavar(context) for context, p in _parameters(verb) if isinstance(p, click.Argument))
    rows = [_row(context, p) for context, p in _parameters(verb) if isinstance(p, click.Option)]
    lines = [f"### `deploydrill {name}{f' {arguments}' if arguments else ''}`", "", _prose(verb.help or ""), ""]
    if rows:
        lines += ["| option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _parameters(verb: click.Command) -> Iterator[tuple[click.Context, click.Parameter]]:
    context = click.Context(verb)
    yield from ((context, p) for p in verb.params)


def _row(context: click.Context, option: click.Option) -> str:
    spelled, said = option.get_help_record(context) or ("", "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in (f'`{spelled}`', ' '.join(said.split())))} |"


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def main() -> None:
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
