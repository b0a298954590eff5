"""What layers that the C++ core computes have in common."""

from __future__ import annotations

from typing import Any

from glueball import nd
from glueball.gluon._checks import check_alone
from glueball.gluon.block import HybridBlock
from glueball.gluon.block._plan import current_plan

__all__ = ["NativeLayer"]


class NativeLayer(HybridBlock):
    """A layer whose forward is native, unless a subclass defines `forward` or `hybrid_forward`."""

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the layer's output for `x`, an NDArray of the layer's dtype."""
        if self._runs_hybrid_forward:
            return super().forward(x, *args)
        check_alone(args, self.name)
        return current_plan(self).run(x)

    def _from_functions(self, x: Any) -> Any:
        """Return what the native layer does, computed from array functions that record each step."""
        return self.hybrid_forward(nd, x, **{k: p.data() for k, p in self._reg_params.items()})

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **params: Any) -> Any:
        """Return the layer's output, for subclasses that call ``super().hybrid_forward``."""
        return current_plan(self).run(x)
