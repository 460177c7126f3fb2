"""Scenes to pictures: Mitsuba traces the rays, Open Image Denoise takes the noise out.

Both come with the extra `render` and are imported here only, when the first picture is drawn. Each renderer runs
on one thread, so that the order of sums, and with it every byte, does not depend on the number of workers.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.render.camera import Camera
from catalog.render.mesh import Array
from catalog.render.scene import Scene, Solid
from catalog.render.tracer import LLVM, Tracer
from visionseek.errors import StackError, VisionSeekError

DEPTH = 9  # bounces: a ray enters a stone, is reflected some six times, and leaves
GUIDE_SAMPLES = 8


def require_renderer() -> None:
    """Check that the extra is installed.

    Raises:
        VisionSeekError: it is not; the message names the extra.
    """
    for module in ("mitsuba", "pyoidn", "scipy"):
        if importlib.util.find_spec(module) is None:
            raise VisionSeekError(
                f"rendering needs the package {module}, which is not installed",
                mend="install the extra: pip install 'visionseek[render]'",
            )


# by kind of material: strength of the highlight, of cloth's shine at grazing light, of a clear coat
_PRINCIPLED = {
    "pearl": (0.5, 0.0, 1.0),
    "skin": (0.35, 0.1, 0.0),
    "polished": (0.5, 0.0, 0.0),
    "cloth": (0.1, 1.0, 0.0),
    "matt": (0.25, 0.0, 0.0),
}


class Renderer:
    """Draws scenes, one after the other, on one thread.

    Args:
        tracer: what `tracer()` chose; handed in so that workers need not choose again.
    """

    def __init__(self, tracer: Tracer) -> None:
        require_renderer()
        if tracer.llvm:  # read by Dr.Jit when it starts
            os.environ["DRJIT_LIBLLVM_PATH"] = tracer.llvm
        import drjit  # noqa: PLC0415 -- lazy: heavy, and part of an extra
        import mitsuba  # noqa: PLC0415
        import pyoidn  # noqa: PLC0415

        mitsuba.set_variant(tracer.variant)
        self._opaque: Any = drjit.opaque if tracer.variant == LLVM else lambda _type, value: value
        mitsuba.set_log_level(mitsuba.LogLevel.Error)
        drjit.set_thread_count(1)
        self._mi: Any = mitsuba
        self._oidn: Any = pyoidn
        self._device = pyoidn.Device()
        self._device.set_int("numThreads", 1)
        self._device.set_bool("setAffinity", False)
        self._device.commit()

    def draw(self, scene: Scene, size: int, samples: int, seed: int) -> NDArray[np.uint8]:
        """A picture [size, size, 3] with `samples` rays a pixel.

        Raises:
            StackError: the ray tracer or the denoiser failed.
        """
        try:
            light, albedo, normal = self._trace(scene, size, samples, seed)
        except RuntimeError as error:
            raise StackError(f"Mitsuba could not draw a scene: {error}") from error
        return _developed(self._denoised(light, albedo, normal), scene)

    def _trace(self, scene: Scene, size: int, samples: int, seed: int) -> tuple[Array, Array, Array]:
        mi = self._mi
        world = {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": DEPTH, "rr_depth": DEPTH + 4},
            "sensor": self._sensor(scene.camera, size),
            "light": {
                "type": "envmap",
                "bitmap": mi.Bitmap(scene.light.astype(np.float32)),
                "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], 90),
            },
        }
        for number, solid in enumerate(scene.solids):
            world[f"solid{number:02d}"] = self._mesh(solid, f"solid{number:02d}")
        loaded = mi.load_dict(world)
        self._keep_out_of_code(loaded, scene.camera)
        light = np.array(mi.render(loaded, spp=samples, seed=seed))[..., :3]
        guide = mi.load_dict({"type": "aov", "aovs": "albedo:albedo,normal:sh_normal"})
        drawn = np.array(mi.render(loaded, integrator=guide, spp=GUIDE_SAMPLES, seed=seed))
        return light, drawn[..., -6:-3], drawn[..., -3:]

    def _keep_out_of_code(self, loaded: Any, camera: Camera) -> None:
        """Hand over as data what differs in every picture: constants become code, which is translated anew."""
        values = self._mi.traverse(loaded.sensors()[0])
        for name, value in (("focus_distance", camera.distance), ("aperture_radius", _aperture(camera))):
            values[name] = self._opaque(self._mi.Float, value)
        values.update()

    def _sensor(self, camera: Camera, size: int) -> dict[str, Any]:
        look = self._mi.ScalarTransform4f().look_at(
            origin=camera.origin.tolist(), target=camera.target.tolist(), up=camera.up.tolist()
        )
        return {
            "type": "thinlens",
            "fov": camera.view,
            "to_world": look,
            "aperture_radius": _aperture(camera),
            "focus_distance": camera.distance,
            "film": {
                "type": "hdrfilm",
                "width": size,
                "height": size,
                "pixel_format": "rgb",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "independent"},
        }

    def _mesh(self, solid: Solid, name: str) -> Any:
        mi = self._mi
        properties = mi.Properties()
        properties["bsdf"] = mi.load_dict(self._surface(solid))
        count = len(solid.corners)
        mesh = mi.Mesh(
            name,
            count,
            count // 3,
            has_vertex_normals=True,
            has_vertex_texcoords=solid.places is not None,
            props=properties,
        )
        values = mi.traverse(mesh)
        values["vertex_positions"] = solid.corners.astype(np.float32).ravel()
        values["vertex_normals"] = solid.normals.astype(np.float32).ravel()
        if solid.places is not None:
            values["vertex_texcoords"] = solid.places.astype(np.float32).ravel()
        values["faces"] = np.arange(count, dtype=np.uint32)
        values.update()
        return mesh

    def _surface(self, solid: Solid) -> dict[str, Any]:
        material = solid.material
        colour: dict[str, Any] = {"type": "rgb", "value": list(material.colour)}
        if material.texture is not None:
            bitmap = self._mi.Bitmap(material.texture.astype(np.float32))
            colour = {"type": "bitmap", "bitmap": bitmap, "raw": True}
        if material.kind == "metal":
            return {
                "type": "roughconductor",
                "material": "none",
                "specular_reflectance": colour,
                "alpha": material.roughness,
                "distribution": "ggx",
            }
        if material.kind == "gem":
            # Colour is kept at each passage of the surface (the root of it, for in and out) and a little at
            # each reflection inside, so that longer ways through the stone come out deeper.
            way = [value**0.5 for value in material.colour]
            inside = [value**0.18 for value in material.colour]
            return {
                "type": "dielectric",
                "int_ior": material.index,
                "ext_ior": 1.0,
                "specular_transmittance": {"type": "rgb", "value": way},
                "specular_reflectance": {"type": "rgb", "value": inside},
            }
        specular, sheen, coat = _PRINCIPLED[material.kind]
        return {
            "type": "principled",
            "base_color": colour,
            "roughness": material.roughness,
            "specular": specular,
            "sheen": sheen,
            "clearcoat": coat,
            "clearcoat_gloss": 0.95,
        }

    def _denoised(self, light: Array, albedo: Array, normal: Array) -> Array:
        oidn = self._oidn
        # lamps seen through a stone are hundreds of times brighter than paper; unclamped they smear
        colour = np.ascontiguousarray(np.clip(light, 0, 40), dtype=np.float32)
        guides = [
            np.ascontiguousarray(np.nan_to_num(g), dtype=np.float32) for g in (np.clip(albedo, 0, 1), normal)
        ]
        result = np.zeros_like(colour)
        with oidn.Filter(self._device, oidn.OIDN_FILTER_TYPE_RT) as clean:
            clean.set_image(oidn.OIDN_IMAGE_COLOR, colour, oidn.OIDN_FORMAT_FLOAT3)
            clean.set_image(oidn.OIDN_IMAGE_ALBEDO, guides[0], oidn.OIDN_FORMAT_FLOAT3)
            clean.set_image(oidn.OIDN_IMAGE_NORMAL, guides[1], oidn.OIDN_FORMAT_FLOAT3)
            clean.set_image(oidn.OIDN_IMAGE_OUTPUT, result, oidn.OIDN_FORMAT_FLOAT3)
            clean.set_bool("hdr", True)
            clean.commit()
            clean.execute()
        problem = self._device.get_error()
        if problem:
            raise StackError(f"the denoiser failed: {problem}")
        return np.asarray(result, dtype=np.float64)


def _aperture(camera: Camera) -> float:
    """Radius of the lens in millimetres; a pinhole is a very small one."""
    return max(camera.aperture, 1e-4)


def _developed(light: Array, scene: Scene) -> NDArray[np.uint8]:
    """Linear light to sRGB: exposed so that white is white, highlights rolled off softly."""
    balanced = np.maximum(light, 0) * np.array(scene.balance)
    grey = balanced.mean(axis=2)
    if scene.white is not None:
        exposure = scene.white / max(float(np.percentile(grey[: max(2, len(grey) // 28)], 60)), 1e-6)
    else:
        # a meter's mean of middle tones, kept from blowing out what is bright
        middle, bright = np.exp(np.log(grey + 1e-3).mean()), float(np.percentile(grey, 95))
        exposure = min(0.33 / max(float(middle), 1e-6), 0.9 / max(bright, 1e-6))
    value = balanced * exposure
    value = np.where(value < 0.7, value, 0.7 + 0.3 * (1 - np.exp(-(value - 0.7) / 0.3)))
    encoded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(encoded, 0, 1) * 255 + 0.5).astype(np.uint8)
