"""Writing is atomic and durable: the old file or the new one, whole, whatever happens on the way."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from glueball import MXNetError, gluon, init, nd
from glueball.gluon import nn

KINDS = ["safetensors", "params", "npz"]


def old_and_new(folder, kind):
    """Return the file as it was before, and what a save that goes through makes of it."""
    path = folder / f"net.{kind}"
    nd.save(path, {"w": nd.zeros((64, 1024))})
    old = path.read_bytes()
    nd.save(folder / f"other.{kind}", {"w": nd.ones((64, 1024))})
    new = (folder / f"other.{kind}").read_bytes()
    (folder / f"other.{kind}").unlink()
    return path, old, new


def names_in(folder):
    return sorted(each.name for each in folder.iterdir())


# Killed, or failing, at each call of the system


@pytest.fixture(scope="module")
def interposer(tmp_path_factory):
    """Build a library that, preloaded, kills or fails a process at its n-th call about a file."""
    source = os.path.join(os.path.dirname(__file__), "interposer.c")
    library = tmp_path_factory.mktemp("interposer") / "interposer.so"
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl"], check=True
    )
    return library


# Saves once the library is armed, so that only calls of the save itself are counted.
SAVE = """
import os, sys
from glueball import nd
values = nd.ones((64, 1024))
if sys.argv[1].endswith(".npz"):
    from glueball import _npz
os.environ["GLUEBALL_TEST_ARMED"] = "1"
try:
    nd.save(sys.argv[1], {"w": values})
except OSError as error:
    print(error.errno, error)
    sys.exit(3)
"""


def save_in_child(path, interposer, at, mode, call=""):
    environment = {
        **os.environ,
        "LD_PRELOAD": str(interposer),
        "GLUEBALL_TEST_AT": str(at),
        "GLUEBALL_TEST_MODE": mode,
        "GLUEBALL_TEST_CALL": call,
    }
    return subprocess.run(
        [sys.executable, "-c", SAVE, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_killed_before_any_call_the_old_file_or_the_new_one_is_whole(tmp_path, interposer, kind):
    path, old, new = old_and_new(tmp_path, kind)
    outcomes = []
    for at in range(1, 100):
        path.write_bytes(old)
        done = save_in_child(path, interposer, at, "kill")
        found = path.read_bytes()
        assert found in (old, new), f"killed before call {at}"
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        outcomes.append(found == new)
        for name in names_in(tmp_path):
            if name != path.name:
                assert name.startswith("."), name
                assert name.endswith(".tmp"), name
                (tmp_path / name).unlink()

    assert found == new
    assert len(outcomes) >= 4  # open, write, fsync, rename at the least
    assert not outcomes[0]
    # Once the new file is there, it stays: rename is where one becomes the other.
    assert outcomes == sorted(outcomes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("open", errno.EMFILE),
        ("write", errno.ENOSPC),
        ("write", errno.EIO),
        ("fsync", errno.EIO),
        ("fsync", errno.ENOSPC),
        ("rename", errno.EXDEV),
    ],
)
def test_when_a_call_fails_the_old_file_stays_and_the_message_says_why(
    tmp_path, interposer, kind, call, code
):
    path, old, _ = old_and_new(tmp_path, kind)

    done = save_in_child(path, interposer, 1, str(code), call)

    assert done.returncode == 3, done.stderr
    number, message = done.stdout.strip().split(" ", 1)
    assert int(number) == code
    assert str(path) in message
    assert os.strerror(code) in message
    assert path.read_bytes() == old
    assert names_in(tmp_path) == [path.name]


def test_an_old_file_is_synced_before_it_is_renamed_and_the_folder_after(tmp_path, interposer):
    path, _, new = old_and_new(tmp_path, "safetensors")

    done = save_in_child(path, interposer, 1, "log")

    calls = done.stderr.split()
    assert calls[-4:] == ["fsync", "rename", "open", "fsync"], calls
    assert path.read_bytes() == new


# Killed at many moments, from outside

SAVE_AGAIN_AND_AGAIN = """
import sys
from glueball import nd
values = [nd.zeros((256, 1024)), nd.ones((256, 1024))]
print("ready", flush=True)
while True:
    for each in values:
        nd.save(sys.argv[1], {"w": each})
"""


def test_killed_at_forty_moments_one_of_the_files_is_there_whole(tmp_path):
    path = tmp_path / "net.safetensors"
    nd.save(path, {"w": nd.zeros((256, 1024))})
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", SAVE_AGAIN_AND_AGAIN, str(path)], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            # Stopped and looked at several times before it is killed: each look finds a whole file.
            for _ in range(7):
                time.sleep(rng.uniform(0, 0.02))
                child.send_signal(signal.SIGSTOP)
                seen.add(whole_value(path))
                child.send_signal(signal.SIGCONT)
            time.sleep(rng.uniform(0, 0.02))
            child.kill()
        seen.add(whole_value(path))
    assert seen <= {0.0, 1.0}


def whole_value(path):
    values = nd.load(path)["w"].asnumpy()
    assert values.shape == (256, 1024)
    assert (values == values[0, 0]).all()
    return float(values[0, 0])


# No room


@contextlib.contextmanager
def files_of_at_most(size):
    """Make a write beyond `size` bytes fail with EFBIG, as a full disk does with ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 100, 200_000])
@pytest.mark.parametrize("kind", KINDS)
def test_without_room_the_old_file_stays_and_the_error_names_it(tmp_path, kind, size):
    path, old, _ = old_and_new(tmp_path, kind)
    net = nn.Dense(1024, in_units=64)
    net.initialize()

    with (
        files_of_at_most(size),
        pytest.raises(OSError, match=rf"write '.*net\.{kind}', found") as caught,
    ):
        net.save_parameters(path)

    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(path)
    assert isinstance(caught.value, MXNetError)
    assert path.read_bytes() == old
    assert names_in(tmp_path) == [path.name]


def test_without_room_trainer_states_keep_their_old_file(tmp_path):
    net = nn.Dense(64, in_units=64)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "adam")
    trainer.save_states(tmp_path / "t.states")
    old = (tmp_path / "t.states").read_bytes()

    with files_of_at_most(100), pytest.raises(OSError, match=r"t\.states"):
        trainer.save_states(tmp_path / "t.states")

    assert (tmp_path / "t.states").read_bytes() == old
    assert names_in(tmp_path) == ["t.states"]


# No permission: in a child that is not root, whom permissions do not bind

AS_NOBODY = """
import os, sys
from glueball import nd
values, save = nd.ones((2, 2)), nd.save  # nobody may import from everywhere
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    save(sys.argv[1], {"w": values})
except PermissionError as error:
    print(error)
else:
    print("written")
"""


@pytest.fixture
def public_folder(tmp_path_factory):
    """Return a folder that every user can reach and write in: pytest's own are private."""
    import tempfile

    folder = tempfile.mkdtemp(prefix="glueball-")
    os.chmod(folder, 0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def save_as_nobody(path):
    return subprocess.run(
        [sys.executable, "-B", "-c", AS_NOBODY, path], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_folder_without_permission_is_an_error_that_names_the_file(public_folder):
    inner = os.path.join(public_folder, "inner")
    os.mkdir(inner)
    path = os.path.join(inner, "net.params")
    nd.save(path, [nd.zeros(1)])
    with open(path, "rb") as file:
        old = file.read()
    os.chmod(path, 0o666)
    os.chmod(inner, 0o555)

    message = save_as_nobody(path)

    os.chmod(inner, 0o755)
    assert message.startswith(f"expected to write '{path}', found \"Permission denied\"")
    with open(path, "rb") as file:
        assert file.read() == old
    assert os.listdir(inner) == ["net.params"]


def test_a_protected_file_is_not_replaced_though_its_folder_may_be_written(public_folder):
    path = os.path.join(public_folder, "net.params")
    nd.save(path, [nd.zeros(1)])
    os.chmod(path, 0o444)

    message = save_as_nobody(path)

    assert "Permission denied" in message
    assert isinstance(nd.load(path), list)
    assert os.listdir(public_folder) == ["net.params"]
    os.chmod(path, 0o666)
    assert save_as_nobody(path) == "written"


# Other things that are not files


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_in_place_of_the_file_is_an_error_that_names_it(tmp_path, kind):
    path = tmp_path / f"net.{kind}"
    path.mkdir()
    (path / "kept").touch()

    with pytest.raises(
        IsADirectoryError, match=rf"write '.*net\.{kind}', found \"Is a directory\""
    ):
        nd.save(path, [nd.ones(1)])
    with pytest.raises(IsADirectoryError, match="Is a directory"):
        nd.load(path)

    assert names_in(tmp_path) == [path.name]
    assert names_in(path) == ["kept"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path, kind):
    with pytest.raises(FileNotFoundError, match=rf"write '.*missing/net\.{kind}', found \"No such"):
        nd.save(tmp_path / "missing" / f"net.{kind}", [nd.ones(1)])


@pytest.mark.parametrize("name", ["/dev/full", "/dev/null"])
def test_devices_are_neither_replaced_nor_written(name):
    before = os.stat(name)

    with pytest.raises(OSError, match=name):
        nd.save(name, [nd.ones(1)])

    assert os.stat(name).st_ino == before.st_ino
    assert stat.S_ISCHR(os.stat(name).st_mode)


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_in_a_file_name_are_refused(tmp_path, kind):
    path = f"{tmp_path}/net\0.{kind}"

    with pytest.raises(ValueError, match="zero bytes"):
        nd.save(path, [nd.ones(1)])
    with pytest.raises(ValueError, match="zero bytes"):
        nd.load(path)
    assert names_in(tmp_path) == []


def test_names_that_are_not_text_work_and_appear_in_messages(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.params"
    nd.save(os.fsdecode(path), [nd.ones(1)])
    assert len(nd.load(os.fsdecode(path))) == 1

    os.truncate(path, 40)
    with pytest.raises(MXNetError, match=r"\\xff\.params"):
        nd.load(os.fsdecode(path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_file_has_a_plain_files_permissions_and_an_old_one_keeps_its_own(tmp_path, kind):
    path = tmp_path / f"net.{kind}"
    before = os.umask(0o027)
    try:
        nd.save(path, [nd.ones(1)])
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        nd.save(path, [nd.ones(1)])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize("kind", KINDS)
def test_writing_through_a_link_writes_the_file_that_it_points_to(tmp_path, kind):
    real, link = tmp_path / "real", tmp_path / f"link.{kind}"
    real.write_bytes(b"old")
    link.symlink_to("real")

    nd.save(link, {"w": nd.ones(1)})

    assert link.is_symlink()
    assert list(nd.load(real)) == ["w"]


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    for call in (nd.load, lambda path: nd.save(path, [nd.ones(1)])):
        with pytest.raises(OSError, match="pipe"):
            call(tmp_path / "pipe")


def test_saving_fails_before_anything_is_written_when_a_value_is_missing(tmp_path):
    net = nn.Sequential(nn.Dense(2, in_units=2), nn.Dense(2))
    net.initialize(init.Normal(1))
    for kind in KINDS:
        with pytest.raises(RuntimeError, match="deferred"):
            net.save_parameters(tmp_path / f"net.{kind}")
    assert names_in(tmp_path) == []
