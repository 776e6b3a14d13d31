"""Manifest: what this report was made from, so that it can be made again."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Column, Heading, Paragraph, Table
from mentoreval.report.manifest import inputs_of
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words, opened


class ManifestSection(Section):
    """How to make this report again."""

    name: ClassVar[str] = "manifest"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Versions, seed and fingerprints of the inputs."""
        inputs = inputs_of(material.evaluation)
        versions = [(words("manifest.version", name=name), version) for name, version in inputs["versions"].items()]
        rows = [*versions, (words("manifest.seed"), str(inputs["seed"]))]
        rows += [(words("manifest.study", name=name), digest) for name, digest in inputs["study"].items()]
        rows += [(words("manifest.source", name=name), digest) for name, digest in inputs["sources"].items()]
        columns = (Column(words("column.item"), numeric=False), Column(words("column.value"), numeric=False))
        table = Table("table-manifest", words("caption.manifest"), columns, tuple(rows))
        return Paragraph(words("manifest.intro")), table, *_suppressed(material, words)


def _suppressed(material: Material, words: Words) -> tuple[Block, ...]:
    """How many numbers were taken out of which exhibits, without a number of students."""
    title = Heading(words("manifest.suppressed_title"))
    limit = words.smallest_shown
    if not material.suppressed:
        return title, Paragraph(words("manifest.nothing_suppressed", limit=limit))
    keys = ("exhibit", "too_small", "withheld")
    columns = tuple(Column(words(f"column.{key}"), numeric=key != "exhibit") for key in keys)
    rows = tuple(
        (opened(words.named("exhibit_name", one.exhibit)), words.count(one.small), words.count(one.withheld))
        for one in material.suppressed
    )
    table = Table("table-suppressed", words("caption.suppressed"), columns, rows)
    return title, Paragraph(words("manifest.suppressed", limit=limit)), table
