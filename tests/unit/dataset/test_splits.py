from pathlib import Path

from training.dataset.product import Picture, TrainingProduct
from training.dataset.splits import group_products, split_groups


def product(name: str, family: str, category: str = "ring", picture: str | None = None) -> TrainingProduct:
    shown = Picture(Path(picture or name), picture or name, "main")
    return TrainingProduct(name, family, name, "", {"category": category}, (shown,))


def fingerprint(one: TrainingProduct) -> list[str]:
    return [picture.name for picture in one.pictures]


def test_families_and_shared_pictures_stay_together() -> None:
    products = [product("a", "1"), product("b", "1"), product("c", "2", picture="same"),
                product("d", "3", picture="same"), product("e", "4")]  # fmt: skip
    groups = group_products(products, fingerprint)
    assert [[one.id for one in group] for group in groups] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_product_named_like_a_family_is_not_of_that_family() -> None:
    groups = group_products([product("x", "y"), product("y", "z")], fingerprint)
    assert len(groups) == 2


def test_no_family_is_on_two_sides_and_every_kind_is_on_each() -> None:
    products = [
        product(f"{kind}{n}{twin}", f"{kind}{n}", kind)
        for kind in "rne"
        for n in range(40)
        for twin in range(3)
    ]
    decided = split_groups(group_products(products, fingerprint), seed=3, validation=0.1, test=0.2)
    sides: dict[str, set[str]] = {}
    for one in products:
        sides.setdefault(one.family, set()).add(decided[one.id])
    assert all(len(found) == 1 for found in sides.values())
    for kind in "rne":
        counts = [sum(decided[one.id] == split for one in products if one.labels["category"] == kind)
                  for split in ("train", "validation", "test")]  # fmt: skip
        assert counts == [84, 12, 24]


def test_the_split_follows_the_seed_and_not_the_order_of_the_feed() -> None:
    products = [product(f"p{n:03d}", f"f{n}") for n in range(60)]

    def split(items: list[TrainingProduct], seed: int) -> dict[str, str]:
        return split_groups(group_products(items, fingerprint), seed=seed, validation=0.2, test=0.2)

    assert split(products, 1) == split(products[::-1], 1)
    assert split(products, 1) != split(products, 2)


def test_one_product_is_for_training() -> None:
    groups = group_products([product("a", "1")], fingerprint)
    assert split_groups(groups, seed=0, validation=0.1, test=0.1) == {"a": "train"}
