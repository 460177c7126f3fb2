"""A catalog made by a renderer: seeded descriptions -> meshes -> pictures and a feed.

In the order of the data: `draw`, `description`, `families`, `listing` (what is sold); `outlines`, `cuts`,
`mesh`, `primitives`, `heads`, `shanks`, `chains`, `rings`, `necklaces`, `earrings`, `bracelets`, `jewel` (its
geometry); `body`, `surfaces`, `materials`, `light`, `camera`, `views`, `scene`, `renderer` (its pictures);
`feed`, `job`, `commands` (the files). Only `scene` and `renderer` need the extra `render`'s ray tracer.
"""
