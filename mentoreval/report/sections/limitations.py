"""Limitations: what the authors assume, and what follows from the design whether they say it or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mentoreval.report.document import Block, Bullets, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words

MANY_LEFT_OUT = 0.05


class Limitations(Section):
    """What could be wrong."""

    name: ClassVar[str] = "limitations"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """The authors' assumptions, then the limits of the design."""
        blocks: list[Block] = []
        if material.study.assumptions:
            blocks.append(Heading(words("limitations.authors_title")))
            blocks.append(Bullets(material.study.assumptions, material.authors_language(words)))
        else:
            blocks.append(Paragraph(words("limitations.no_assumptions")))
        blocks.append(Heading(words("limitations.design_title")))
        blocks.append(Bullets(tuple(_of_design(material, words))))
        return tuple(blocks)


def _of_design(material: Material, words: Words) -> Iterator[str]:
    program = material.program(words)
    if material.study.synthetic:
        yield words("limitation.synthetic")
    yield words("limitation.unobserved", program=program)
    yield from _assumed_by_estimators(material, words)
    yield from _left_out(material, words)
    yield from _few_clusters(material, words)
    if len(material.headlines) > 1:
        yield words("limitation.several_outcomes", count=len(material.headlines))
    if any(result.plan.outcome not in material.study.meaningful for result in material.headlines):
        yield words("limitation.nothing_meaningful")
    yield words("limitation.elsewhere", program=program)


def _assumed_by_estimators(material: Material, words: Words) -> Iterator[str]:
    """What each estimator takes for granted, once."""
    shown = [*material.headlines, *material.evaluation.with_role("over_time")]
    for name in dict.fromkeys(result.plan.estimator.name for result in shown):
        if words.has(f"assumption.{name}"):
            yield words(f"assumption.{name}")


def _left_out(material: Material, words: Words) -> Iterator[str]:
    """Mentored students for whom no comparison was found: the result does not speak for them."""
    for name, design in material.designs.items():
        steps = {step.key: step.n_treated for step in design.flow}
        share = 1 - steps["compared"] / steps["in_panel"] if steps["in_panel"] else 0.0
        if share >= MANY_LEFT_OUT:
            design_name = material.design_name(name, words)
            key = "limitation.left_out_of" if len(material.designs) > 1 else "limitation.left_out"
            known = _is_said(material, name)
            said = share if known else words("sign.above", value=words.percent(MANY_LEFT_OUT))
            yield words(key, share=said, program=material.program(words), design=design_name)


def _is_said(material: Material, design: str) -> bool:
    """Whether the flow of a design shows how many mentored students there were and how many were compared."""
    flows = [flow.frame for flow in material.shown("sample_flow") if flow.subject == design]
    steps = [flow.loc[flow["step"].isin(["in_panel", "compared"]), "n_treated"] for flow in flows]
    return all(bool((step.fillna(-1) > 0).all()) for step in steps)


def _few_clusters(material: Material, words: Words) -> Iterator[str]:
    """Each number of clusters that is too small for what rests on it."""
    few = [result.estimate for result in material.headlines if result.estimate.few_clusters]
    for cluster, count in dict.fromkeys((estimate.cluster, estimate.n_clusters) for estimate in few):
        clusters = words("label.clusters", count=count, cluster=words.named("clusters", cluster))
        yield words("limitation.few_clusters", clusters=clusters)
