from search.ranking import group_by_product
from visionseek.vocabulary import Candidate, Product, ProductImage


def product(product_id: str, *image_ids: int) -> Product:
    images = tuple(ProductImage(i, product_id, f"{i:064x}", n) for n, i in enumerate(image_ids))
    return Product(product_id, f"the {product_id}", images=images)


RING, BAND, STUD = product("ring", 1, 2), product("band", 3), product("stud", 4)
CATALOG = {image.id: p for p in (RING, BAND, STUD) for image in p.images}


def test_the_best_image_of_a_product_speaks_for_it() -> None:
    hits = group_by_product([Candidate(1, 0.5), Candidate(2, 0.9), Candidate(3, 0.7)], CATALOG, 10)
    assert [(h.product.id, h.image.id, h.score) for h in hits] == [("ring", 2, 0.9), ("band", 3, 0.7)]


def test_equal_scores_come_in_the_order_of_product_id() -> None:
    hits = group_by_product([Candidate(4, 0.5), Candidate(1, 0.5), Candidate(3, 0.5)], CATALOG, 2)
    assert [h.product.id for h in hits] == ["band", "ring"]


def test_images_of_deleted_products_are_dropped() -> None:
    hits = group_by_product([Candidate(99, 0.9), Candidate(3, 0.1)], CATALOG, 10)
    assert [h.product.id for h in hits] == ["band"]
