"""Studies: the commands that carry out a study, open its report, and freeze its plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mentoreval.cli.progress import USER_MISTAKE, steps
from mentoreval.cli.text import fitted
from mentoreval.errors import OptionError, suggest

if TYPE_CHECKING:
    from mentoreval.study.study import Study

OUTPUT = Path("reports/_output")

StudyFile = Annotated[Path, typer.Argument(help="The study file, e.g. reports/riverside/study.toml.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder to write to; else reports/_output/ and the name of its folder.")
]
Formats = Annotated[str, typer.Option("--formats", help="Comma between them: html,pdf,docx; else the study's own.")]
Languages = Annotated[str, typer.Option("--languages", help="Comma between them, as en,es; else those of the study.")]
Open = Annotated[bool, typer.Option("--open", help="Open the report in the browser.")]


def run(
    study: StudyFile, out: Out = None, formats: Formats = "", languages: Languages = "", show: Open = False
) -> None:
    """Carry out a study, write its report, and say in a paragraph what was found."""
    from mentoreval.study.read import read_study

    plan = read_study(study)
    written = _write(plan, _folder(out, plan), _languages(languages, plan), _formats(formats, plan))
    if show:
        _open(written[0])


def report(
    study: Annotated[Path, typer.Argument(help="A study file; or a folder of studies, as reports, for all of them.")],
    out: Out = None,
    formats: Formats = "",
    languages: Languages = "",
    show: Open = False,
) -> None:
    """Make the report of a study, unless the one that is there is still right; or of all studies in a folder.

    Of a folder every study is carried out, and a page with links to all of them is written. A study that fails does
    not keep the others from being written; the page names it, and the command ends with an error.
    """
    from mentoreval.report.freshness import is_current
    from mentoreval.study.read import read_study

    if study.is_dir():
        return _report_all(study, out or OUTPUT, _formats(formats) if formats else None, show)
    plan = read_study(study)
    folder, wanted, chosen = _folder(out, plan), _languages(languages, plan), _formats(formats, plan)
    if is_current(plan, folder, wanted, chosen):
        written = [folder / f"report.{language}.{form}" for language in wanted for form in chosen]
        typer.echo("Nothing has changed since the report was written.")
        _say_reports(written)
    else:
        written = _write(plan, folder, wanted, chosen)
    if show:
        _open(written[0])


def lock(study: StudyFile) -> None:
    """Freeze a study's plan and the students as they stood before the program, without looking at an outcome."""
    from mentoreval.study.evaluation import lock_study

    with steps() as say:
        path = lock_study(study, progress=say)
    typer.echo(f"The plan is locked in {path}")
    typer.echo("Keep that file with the study. The report will say what was planned, changed or added later.")


def _write(plan: Study, folder: Path, languages: Sequence[str], formats: Sequence[str]) -> list[Path]:
    """Carry a study out and write it; the report's files, the first of them one to open."""
    from mentoreval.report.render import write_report
    from mentoreval.report.summary import summarize
    from mentoreval.report.words import Words
    from mentoreval.study.evaluation import run_study

    with steps() as say:
        evaluation = run_study(plan, progress=say)
        say("Writing the report")
        written = write_report(evaluation, folder, languages=languages, formats=formats)
        spoken = languages[0]
        made_up = f"{Words(spoken)('synthetic.banner')}." if plan.synthetic else ""
        paragraph = " ".join([made_up, *summarize(evaluation, spoken)]).strip()
    typer.echo(f"\n{fitted(paragraph, indent='')}\n")
    reports = [path for path in written if path.name.startswith("report.")]
    _say_reports(reports)
    return reports


def _report_all(studies: Path, out: Path, formats: Sequence[str] | None, show: bool) -> None:
    from mentoreval.report.every_study import write_every_study
    from mentoreval.report.index import write_index

    with steps() as say:
        entries = write_every_study(studies, out, formats=formats, progress=say)
        pages = write_index(entries, out)
    for entry in entries:
        typer.echo(f"{entry.name}: {entry.state}{'. ' + entry.reason if entry.reason else ''}")
    for page in pages:
        typer.echo(f"Page of all reports: {page}")
    if show:
        _open(pages[0])
    if any(entry.state == "failed" for entry in entries):
        raise typer.Exit(USER_MISTAKE)


def _folder(out: Path | None, plan: Study) -> Path:
    return OUTPUT / plan.name if out is None else out


def _formats(text: str, plan: Study | None = None) -> list[str]:
    from mentoreval.report.render import FORMATS

    own = ",".join(plan.formats) if plan is not None else ""
    return _names(text or own, FORMATS, "--formats")


def _languages(text: str, plan: Study) -> list[str]:
    from mentoreval.report.words import available_languages

    return _names(text or ",".join(plan.languages), available_languages(), "--languages")


def _names(text: str, known: Iterable[str], option: str) -> list[str]:
    """What stands between commas, each once; OptionError before any work for one that does not exist."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        wrong = unknown[0] if unknown else ""
        raise OptionError(f"{option} {wrong or '(nothing)'} does not exist.{suggest(wrong, known)}")
    return names


def _say_reports(paths: Iterable[Path]) -> None:
    for path in paths:
        typer.echo(f"Report: {path}")


def _open(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        typer.echo(f"No browser was found. Open this file: {path}")
