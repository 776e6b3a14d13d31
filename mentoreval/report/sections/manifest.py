"""Manifest: what this report was made from, so that it can be made again."""

from __future__ import annotations

from typing import ClassVar

from mentoreval.report.document import Block, Column, Paragraph, Table
from mentoreval.report.manifest import inputs_of
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words


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
        return Paragraph(words("manifest.intro")), table
