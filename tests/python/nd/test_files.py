"""`nd.save`, `nd.load`, and files in memory."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import MXNetError, nd
from nd_values import A, same


def test_save_and_load_a_dict_a_list_and_one_array(tmp_path):
    path = tmp_path / "a.npz"
    named = {"0.weight": nd.array(A), "file": nd.array([1, 2], dtype="int64")}

    nd.save(path, named)
    loaded = nd.load(path)
    assert list(loaded) == list(named)
    same(loaded["0.weight"], A)
    same(loaded["file"], [1, 2], onp.int64)

    nd.save(str(path), [nd.array(A), nd.ones(2)])
    loaded = nd.load(str(path))
    assert isinstance(loaded, list)
    same(loaded[1], [1, 1])

    nd.save(path, nd.array(A))
    same(nd.load(path)[0], A)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_saved_file_is_numpys(tmp_path):
    path = tmp_path / "a.npz"
    nd.save(path, {"w": nd.array(A)})

    with onp.load(path) as archive:
        onp.testing.assert_array_equal(archive["w"], A)

    onp.savez(path, w=A, b=A[0])
    assert set(nd.load(path)) == {"w", "b"}


def test_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.npz"
    nd.save(path, [nd.array(A)])

    with pytest.raises(TypeError, match="found 'x': str"):
        nd.save(path, {"x": "no array"})
    with pytest.raises(TypeError, match="found 'x' of dtype object"):
        nd.save(path, {"x": onp.array([None])})

    same(nd.load(path)[0], A)
    assert len(list(tmp_path.iterdir())) == 1


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        nd.load(tmp_path / "nothing.npz")
    broken = tmp_path / "broken.npz"
    nd.save(broken, [nd.array(A)])
    content = broken.read_bytes()
    for damaged in (b"", b"PK", content[: len(content) // 2], onp.random.default_rng(1).bytes(300)):
        broken.write_bytes(damaged)
        with pytest.raises(MXNetError, match=r"expected an? \..* file .*broken\.npz"):
            nd.load(broken)
    onp.savez(broken, x=onp.array([None], dtype=object))
    with pytest.raises(MXNetError, match=r"expected an \.npz file of arrays"):
        nd.load(broken)


@pytest.mark.parametrize("name", ["a.params", "a.safetensors", "a.npz"])
def test_contents_of_a_file_are_loaded_as_the_file_is(tmp_path, name):
    nd.save(tmp_path / name, {"x": nd.array(A), "y": nd.ones(2)})

    found = nd.load_frombuffer((tmp_path / name).read_bytes())

    assert list(found) == ["x", "y"]
    onp.testing.assert_array_equal(found["x"].asnumpy(), A)


def test_damaged_contents_are_refused(tmp_path):
    nd.save(tmp_path / "a", [nd.array(A)])

    with pytest.raises(ValueError, match="buffer"):
        nd.load_frombuffer((tmp_path / "a").read_bytes()[:-3])
    with pytest.raises(TypeError, match="found str; pass bytes"):
        nd.load_frombuffer("a")
