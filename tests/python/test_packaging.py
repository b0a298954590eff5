"""What is installed, and the scripts that build and check it."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import glueball
from glueball import _core

ROOT = Path(__file__).resolve().parents[2]


def load(relative: str) -> ModuleType:
    """Import a script of the repository, none of which is part of the package."""
    path = ROOT / relative
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_python_core_header_and_metadata_have_one_version():
    header = (ROOT / "cpp/include/glueball/version.h").read_text(encoding="utf-8")
    written = re.search(r'GLUEBALL_VERSION "([^"]+)"', header)

    assert written is not None
    assert glueball.__version__ == written[1]
    assert _core.__version__ == written[1]
    assert importlib.metadata.version("glueball") == written[1]


def test_the_package_under_test_is_the_installed_one():
    assert ROOT / "python" not in Path(glueball.__file__).parents


@pytest.mark.parametrize("name", ["py.typed", "_core.pyi"])
def test_types_are_installed(name):
    assert importlib.resources.files("glueball").joinpath(name).is_file()


def test_licences_of_what_is_compiled_in_are_installed():
    files = {path.name for path in importlib.metadata.files("glueball") or []}

    assert {"LICENSE", "COPYING.MPL2", "COPYING.BSD"} <= files


def test_vendoring_refuses_a_file_that_was_not_pinned(tmp_path, monkeypatch):
    vendor_eigen = load("third_party/vendor_eigen.py")
    monkeypatch.setattr(vendor_eigen, "TARGET", tmp_path / "eigen")
    monkeypatch.setattr(vendor_eigen, "STAMP", tmp_path / "eigen" / "VENDORED")
    wheel = tmp_path / "eigency.whl"
    wheel.write_bytes(b"not a wheel")

    with pytest.raises(RuntimeError, match=r"expected eigency.whl with sha256 5a34.*, found"):
        vendor_eigen.vendor(wheel)
    assert not (tmp_path / "eigen").exists()


OWN = "_ZN8glueball7kernels2v37forwardEPKf"
EIGEN = "_ZN8Eigen_v38internal4gemmEPKf"
STANDARD = "_ZNSt6vectorIiSaIiEE17_M_realloc_insertEv"
OTHER_SET = "_ZN8Eigen_v48internal4gemmEPKf"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"0000000000000010 T {OWN}", None),
        (f"0000000000000010 W {EIGEN}", None),
        ("                 U malloc", None),
        ("0000000000000020 t _ZL6helperv", None),
        (f"0000000000000010 W {STANDARD}", f"symbol {STANDARD} (W) outside its namespaces"),
        (f"0000000000000010 W {OTHER_SET}", f"symbol {OTHER_SET} (W) outside its namespaces"),
        ("0000000000000000 t _GLOBAL__sub_I_x", "static initializer _GLOBAL__sub_I_x"),
    ],
    ids=["own", "renamed Eigen", "reference", "local", "standard", "other set", "initializer"],
)
def test_kernel_symbol_check_tells_shared_names_from_own_ones(line, fault):
    script = load("scripts/check_kernel_symbols.py")

    assert script.faults(line, "v3") == ([fault] if fault else [])
