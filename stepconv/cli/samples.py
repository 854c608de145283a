"""``stepconv samples``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepconv.cli.options import Json, Save, _

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.cli.output import Output
    from stepconv.samples import Sample
    from stepconv.views.theme import Look


def samples(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=_("one of them, to see its numbers"))
    ] = None,
    save: Save = None,
    json: Json = False,
) -> None:
    """List the named inputs, kernels and scenes, or show one."""
    from stepconv import samples as library
    from stepconv.cli.show import check_suffixes, show

    output: Output = context.obj
    check_suffixes(save)
    found = library.samples() if name is None else (library.sample(name),)

    def page(look: Look) -> RenderableType:
        from stepconv.views.facts.catalogue import Catalogue, SamplePicture

        return Catalogue(found, look) if name is None else SamplePicture(found[0], look)

    data: Any = None
    if json:
        data = _data(found[0], full=True) if name else [_data(one, full=False) for one in found]
    title = "stepconv samples" if name is None else f"@{found[0].name}"
    show(output, page, save=save, title=title, data=data)


def _data(sample: Sample, *, full: bool) -> dict[str, Any]:
    """Return a sample as JSON types, with its numbers where it is the only one."""
    from stepconv.record.fields import plain
    from stepconv.samples import scene

    data: dict[str, Any] = {
        "name": sample.name,
        "kind": sample.kind,
        "title": sample.title,
        "shape": list(sample.array.shape),
    }
    if not full:
        return data
    if sample.kind != "scene":
        return data | {"array": plain(sample.array)}
    whole = scene(sample.name)
    return data | {
        "input": plain(whole.input),
        "weight": plain(whole.weight),
        "bias": None if whole.bias is None else plain(whole.bias),
        "options": dict(whole.options),
    }
