"""NumPy mode's switches under their other name: `mx.util`."""

from glueball.npx import is_np_array, is_np_shape, reset_np, set_np, use_np

__all__ = ["is_np_array", "is_np_shape", "reset_np", "set_np", "use_np"]
