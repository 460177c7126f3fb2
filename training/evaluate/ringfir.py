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
    """Leave one out: every photograph of a held-out class asks for the others of its class.

    Two galleries: `style` ranks the held-out classes only, as benchmarks of unseen classes do; `style-in-all`
    puts the photographs of all other classes among them, which are never right.

    Raises:
        NotFound: the data set is not there.
        InputError: too few classes, or a class with one photograph.
    """
    classes = class_folders(folder)
    names = held_out([path.name for path in classes])
    # Held-out classes first: they are the pool of `style`.
    ordered = sorted(classes, key=lambda path: (path.name not in names, path.name))
    items: list[Item] = []
    of_class: dict[str, frozenset[int]] = {}
    for path in ordered:
        pictures = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
        if len(pictures) < 2:
            raise InputError(f"{len(pictures)} photographs are no class", where=str(path))
        of_class[path.name] = frozenset(range(len(items), len(items) + len(pictures)))
        for picture in pictures:
            name = f"{path.name}/{picture.name}"
            kind = {"type": path.name}
            items.append(Item(name, name, f"style {path.name}", (Look(picture),), kind, (picture.name,)))
    pool = sum(len(of_class[name]) for name in names)
    queries = [
        Query(
            f"{item.id}/{label}",
            label,
            number,
            of_class[item.attributes["type"]] - {number},
            look=item.pictures[0],
            left_out=number,
            pool=among,
        )
        for label, among in (("style", pool), ("style-in-all", None))
        for number, item in enumerate(items[:pool])
    ]
    return Suite(
        "ringfir",
        tuple(items),
        tuple(queries),
        precision_depths=(1, 5),
        parameters={"held_out": ", ".join(names), "classes": len(classes)},
    )
