"""`ringfir`: photographs of gold earrings by style; does a photograph find others of its style?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.evaluate.look import Look
from training.evaluate.suite import Item, Query, Suite
from visionseek.errors import InputError, NotFound

HELD_OUT = 8
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def held_out(classes: Sequence[str], count: int = HELD_OUT) -> tuple[str, ...]:
    """The classes that no training sees: the last `count` by name, in every run.

    Raises:
        InputError: there are not more classes than that.
    """
    names = sorted(set(classes))
    if len(names) <= count:
        raise InputError(f"{len(names)} style classes are too few to hold out {count}")
    return tuple(names[-count:])


def class_folders(folder: Path) -> list[Path]:
    """One folder a style class, sorted by name.

    Raises:
        NotFound: the data set is not there.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise NotFound(
            f"the RingFIR photographs are not there ({error.strerror})",
            where=str(folder),
            mend="set VISIONSEEK_SHARED to the folder that holds data/ringfir, or give --data",
        ) from error
    if not found:
        raise NotFound("no folder of a style class", where=str(folder))
    return found


def ringfir(folder: Path) -> Suite:
    """Leave one out: every photograph of a held-out class asks, all others of these classes are the gallery.

    Raises:
        NotFound: the data set is not there.
        InputError: too few classes, or a class with one photograph.
    """
    classes = class_folders(folder)
    names = held_out([path.name for path in classes])
    items: list[Item] = []
    of_class: dict[str, list[int]] = {}
    for path in (path for path in classes if path.name in names):
        pictures = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
        if len(pictures) < 2:
            raise InputError(f"{len(pictures)} photographs are no class", where=str(path))
        of_class[path.name] = list(range(len(items), len(items) + len(pictures)))
        for picture in pictures:
            name = f"{path.name}/{picture.name}"
            items.append(Item(name, name, f"style {path.name}", (Look(picture),), {"type": path.name}))
    queries = [
        Query(
            f"{item.id}/style",
            "style",
            number,
            frozenset(of_class[item.attributes["type"]]) - {number},
            look=item.pictures[0],
            left_out=number,
        )
        for number, item in enumerate(items)
    ]
    return Suite(
        "ringfir",
        tuple(items),
        tuple(queries),
        precision_depths=(1, 5),
        parameters={"held_out": list(names), "classes": len(classes)},
    )
