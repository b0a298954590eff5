"""scikit-learn, which is not required to be there."""

from __future__ import annotations

from glueball.base import PackageError

__all__: list[str] = []

try:
    from sklearn.utils.validation import validate_data  # noqa: F401 - it came with release 1.6
except ImportError as error:
    message = (
        f"expected scikit-learn 1.6 or later for glueball.sklearn, found none ({error}); install it: "
        "pip install 'glueball[sklearn]'"
    )
    raise PackageError(message) from error
