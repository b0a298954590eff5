"""What users may call of nets, parameters, trainers and arrays, on objects that two threads share.

`thread_stress.py` runs each of these beside each other.
"""

from __future__ import annotations

import copy
import gc
import io
import pickle
import shutil
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

import numpy as onp

import glueball
from glueball import autograd, gluon, init, nd, random
from glueball import np as gnp
from glueball.gluon import nn

UNITS = 16
FOLDER = Path(tempfile.mkdtemp(prefix="glueball-threads-"))

# Public names that have no operation, and why.
LEFT_OUT = {
    "hybrid_forward": "is called by forward, with arguments of its own",
    "asscalar": "needs an array of one element",
    "hold_slice": "needs a kvstore of ranks",
    "choose": "needs an array of integers",
    "searchsorted": "needs an array of one axis",
    "resize": "refuses arrays that do not own their memory, which all of ours are",
    "setflags": "would make the arrays of a pair read-only for good",
    "ctypes": "hands out an address",
    "data": "of an array: hands out its memory as a buffer",
}


class OnesOfPython(init.Initializer):
    """An initializer that needs the GIL to fill, and to be destroyed."""

    def _init_weight(self, desc, data):
        data[:] = 1 / UNITS


class RuleOfPython(glueball.optimizer.Optimizer):
    """A rule that the core does not know."""

    def create_state(self, index, weight):
        return nd.zeros(weight.shape)

    def update(self, index, weight, grad, state):
        state *= 0.9
        state += grad
        weight -= 1e-6 * state


class World:
    """The objects of one pair of operations; `rng` chooses what is shared, and how large it is."""

    def __init__(self, rng):
        self.batch = rng.choice([1, 4, 2048])  # of which the last one runs without the GIL
        self.net = nn.HybridSequential()
        self.net.add(
            nn.Dense(UNITS, activation="relu", in_units=UNITS), nn.Dropout(0.5),
            nn.BatchNorm(in_channels=UNITS), nn.Dense(UNITS, in_units=UNITS),
        )  # fmt: skip
        self.net.initialize()
        self.deferred = nn.HybridSequential()
        self.deferred.add(nn.Dense(UNITS), nn.LayerNorm(), nn.PReLU(), nn.Dense(UNITS))
        self.deferred.initialize(rng.choice([init.Xavier(), OnesOfPython()]))
        self.block = rng.choice([self.net, self.deferred])
        self.parameters = self.block.collect_params()
        self.parameter = self.block[rng.choice([0, 3])].weight
        rule = rng.choice(["adam", "sgd", "lars", RuleOfPython()])
        self.trainer = gluon.Trainer(self.net.collect_params(), rule)
        self.trainer.set_learning_rate(1e-6)
        self.x = nd.ones((self.batch, UNITS))
        self.is_lent = rng.random() < 0.3
        self.array = self.net[0].weight.data() if self.is_lent else nd.ones((UNITS, UNITS))
        self.other = nd.ones((UNITS, UNITS))
        self.graph = self.recorded()
        self.wrong = []

    def recorded(self):
        with autograd.record():
            return (self.net(self.x) ** 2).mean()

    def check(self, output):
        """Values are of our own arrays, all of which hold small numbers."""
        values = output.asnumpy()
        if not self.is_lent and not (onp.abs(values) < 1e6).all():
            self.wrong.append(f"values up to {onp.abs(values).max()}")


def file(world, name):
    """A file that both threads of a pair may write."""
    return str(FOLDER / f"{name}-{id(world)}")


def train(world):
    world.recorded().backward()
    world.trainer.step(1)


def silently(call):
    with redirect_stdout(io.StringIO()):
        call()


def add(world):
    if len(world.block) < 8:
        world.block.add(nn.Activation("relu"))
    world.block.register_child(nn.Activation("tanh"), "extra")


def hook(world, register):
    handle = register(lambda *_: None)
    world.block(world.x)
    handle.detach()


def switch(world, attribute, values):
    for value in values:
        setattr(world.parameter, attribute, value)


def saved(world, save, load, name):
    save(file(world, name))
    load(file(world, name))


def rearranged(world):
    """Put layers in, exchange and take them out, at the end: what else is called looks at the first four."""
    number = len(world.block)
    world.block.insert(number, nn.Activation("tanh"))
    world.block[-1] = nn.Activation("relu")
    world.block.replace(str(number), nn.Activation("tanh"))
    world.block.extend([nn.Activation("relu")]).append(nn.Activation("relu"))
    del world.block[number:]
    world.block.insert(number, nn.Activation("tanh")).pop(number)


def shared(world):
    world.block[3].share_parameters({"weight": world.block[0].weight})
    world.block.tied()
    world.block[3].untie()


def random_draw(world):
    mean = float(nd.random.normal(shape=(4000,)).mean())
    if abs(mean) > 0.5:
        world.wrong.append(f"mean {mean} of normals")


def scope(world):
    with world.block.name_scope():
        nn.Dense(2)


BLOCK = {
    "__call__": lambda w: w.check(w.block(w.x)),
    "__call__, two nets": lambda w: (w.net(w.x), w.deferred(w.x)),
    "__repr__": lambda w: repr(w.block),
    "__getitem__": lambda w: (len(w.block), w.block[0], list(w.block)),
    "__setattr__": lambda w: setattr(w.block, "extra", nn.Dense(2)),
    "add": add,
    "add_module": lambda w: w.block.add_module("more", nn.Dropout(0.1)),
    "add_sublayer": lambda w: w.block.add_sublayer("more", nn.Dropout(0.1)),
    "append, extend, insert, pop, replace": rearranged,
    "share_parameters, tied, untie": shared,
    "freeze, unfreeze": lambda w: w.block.freeze("0.*", nn.PReLU, strict=False).unfreeze(),
    "trainable, requires_grad, requires_grad_, stop_gradient": lambda w: (
        setattr(w.block, "trainable", False),
        setattr(w.block, "requires_grad", True),
        setattr(w.block, "stop_gradient", True),
        w.block.requires_grad_(),
    ),
    "children, named_children, modules, named_modules, parameters, named_parameters": lambda w: [
        list(each())
        for each in (
            w.block.children,
            w.block.named_children,
            w.block.modules,
            w.block.named_modules,
            w.block.parameters,
            w.block.named_parameters,
        )
    ],
    "get": lambda w: w.check(w.block.get("0.weight").data()),
    "state_dict, load_state_dict, set_state_dict": lambda w: (
        w.block.load_state_dict(w.block.state_dict(), strict=False),
        w.block.set_state_dict(w.block.state_dict(copy=True), strict=False),
    ),
    "weights, trainable_weights, non_trainable_weights": lambda w: (
        w.block.weights,
        w.block.trainable_weights,
        w.block.non_trainable_weights,
    ),
    "get_weights, set_weights": lambda w: w.block.set_weights(w.block.get_weights()),
    "apply": lambda w: w.block.apply(lambda block: block.name),
    "cast": lambda w: (w.block.cast("float64"), w.block.cast("float32")),
    "collect_params": lambda w: w.block.collect_params(".*weight"),
    "export": lambda w: w.block.export(file(w, "export") + ".safetensors"),
    "forward": lambda w: w.block.forward(w.x),
    "hybridize": lambda w: (w.block.hybridize(), w.block.hybridize(False)),
    "infer_shape": lambda w: w.block.infer_shape(w.x),
    "explain": lambda w: str(w.block.explain()),
    "infer_type": lambda w: w.block.infer_type(w.x),
    "initialize": lambda w: w.block.initialize(init.Normal(0.1), force_reinit=True),
    "load": lambda w: saved(w, w.block.save, w.block.load, "net"),
    "load_parameters": lambda w: saved(
        w, w.block.save_parameters, w.block.load_parameters, "params"
    ),
    "load_params": lambda w: saved(w, w.block.save_params, w.block.load_params, "old"),
    "name, params, prefix": lambda w: (w.block.name, w.block.params, w.block.prefix),
    "name_scope": scope,
    "optimize_for": lambda w: w.block.optimize_for(w.x),
    "predict": lambda w: w.check(w.block.predict(w.x, batch_size=3)),
    "register_child": lambda w: w.block.register_child(nn.Dropout(0.1), "extra"),
    "register_forward_hook": lambda w: hook(w, w.block.register_forward_hook),
    "register_forward_pre_hook": lambda w: hook(w, w.block.register_forward_pre_hook),
    "register_op_hook": lambda w: w.block.register_op_hook(lambda *_: None),
    "save": lambda w: w.block.save(file(w, "net")),
    "save_parameters": lambda w: w.block.save_parameters(file(w, "params")),
    "save_params": lambda w: w.block.save_params(file(w, "old")),
    "summary": lambda w: silently(lambda: w.block.summary(w.x)),
}


PARAMETERS = {
    "get": lambda w: w.parameters.get("extra", shape=(2,)),
    "get_constant": lambda w: w.parameters.get_constant("constant", nd.ones((2,))),
    "initialize": lambda w: w.parameters.initialize(force_reinit=True),
    "items, keys, values, prefix, list_ctx": lambda w: (
        list(w.parameters.items()), list(w.parameters.keys()), list(w.parameters.values()),
        w.parameters.prefix, w.parameters.list_ctx(), repr(w.parameters),
    ),
    "load": lambda w: saved(w, w.parameters.save, w.parameters.load, "dict"),
    "load_dict": lambda w: w.parameters.load_dict(
        {name: nd.ones(p.shape) for name, p in w.parameters.items()}
    ),
    "reset_ctx": lambda w: w.parameters.reset_ctx(glueball.cpu()),
    "save": lambda w: w.parameters.save(file(w, "dict")),
    "setattr": lambda w: w.parameters.setattr("lr_mult", 0.5),
    "update": lambda w: w.parameters.update(w.net.collect_params()),
    "zero_grad": lambda w: w.parameters.zero_grad(),
}  # fmt: skip

PARAMETER = {
    "cast": lambda w: (w.parameter.cast("float64"), w.parameter.cast("float32")),
    "data": lambda w: w.check(w.parameter.data()),
    "data, written": lambda w: w.parameter.data().__setitem__(slice(None), 1 / UNITS),
    "describe": lambda w: str(w.parameter.describe()),
    "dtype": lambda w: switch(w, "dtype", ["float64", "float32"]),
    "grad": lambda w: w.parameter.grad().sum(),
    "grad_req": lambda w: switch(w, "grad_req", ["null", "add", "write"]),
    "has_grad": lambda w: w.parameter.has_grad,
    "path, size": lambda w: (w.parameter.path, w.parameter.size),
    "numpy": lambda w: (w.parameter.numpy(), onp.asarray(w.parameter)),
    "requires_grad, trainable, stop_gradient, requires_grad_": lambda w: (
        switch(w, "requires_grad", [False, True]), switch(w, "trainable", [False, True]),
        switch(w, "stop_gradient", [True, False]), w.parameter.requires_grad_(),
    ),
    "set_value, assign": lambda w: (
        w.parameter.set_value(nd.ones((UNITS, UNITS)) / UNITS),
        w.parameter.assign(nd.ones((UNITS, UNITS)) / UNITS),
    ),
    "init": lambda w: setattr(w.parameter, "init", "normal"),
    "initialize": lambda w: w.parameter.initialize(OnesOfPython(), force_reinit=True),
    "list_ctx, list_data, list_grad": lambda w: (
        w.parameter.list_ctx(), w.parameter.list_data(), w.parameter.list_grad(),
    ),
    "list_row_sparse_data": lambda w: w.parameter.list_row_sparse_data(nd.array([0])),
    "lr_mult, wd_mult": lambda w: (switch(w, "lr_mult", [0.5, 1]), switch(w, "wd_mult", [2, 1])),
    "name": lambda w: (w.parameter.name, repr(w.parameter)),
    "reset_ctx": lambda w: w.parameter.reset_ctx(glueball.cpu()),
    "row_sparse_data": lambda w: w.parameter.row_sparse_data(nd.array([0])),
    "set_data": lambda w: w.parameter.set_data(nd.ones((UNITS, UNITS)) / UNITS),
    "data and grad, set": lambda w: (
        setattr(w.parameter, "data", nd.ones((UNITS, UNITS)) / UNITS),
        setattr(w.parameter, "grad", nd.ones((UNITS, UNITS)) / UNITS),
        setattr(w.parameter, "grad", None),
    ),
    "shape": lambda w: switch(w, "shape", [w.parameter.shape, (UNITS, UNITS)]),
    "var": lambda w: w.parameter.var(),
    "zero_grad": lambda w: w.parameter.zero_grad(),
}  # fmt: skip

TRAINER = {
    "allreduce_grads": lambda w: w.trainer.allreduce_grads(),
    "learning_rate": lambda w: (w.trainer.learning_rate, w.trainer.optimizer.learning_rate),
    "load_states": lambda w: saved(w, w.trainer.save_states, w.trainer.load_states, "states"),
    "optimizer": lambda w: pickle.dumps(w.trainer.optimizer),
    "save_states": lambda w: w.trainer.save_states(file(w, "states")),
    "set_learning_rate": lambda w: w.trainer.set_learning_rate(1e-6),
    "step": lambda w: w.trainer.step(4, ignore_stale_grad=True),
    "update": lambda w: w.trainer.update(4, ignore_stale_grad=True),
}

OTHERS = {
    "train": train,
    "backward of a shared graph": lambda w: w.graph.backward(),
    "backward of a shared graph, kept": lambda w: w.graph.backward(retain_graph=True),
    "autograd.grad": lambda w: autograd.grad(w.recorded(), [w.net[0].weight.data()]),
    "copy.copy of a net": lambda w: copy.copy(w.block)(w.x),
    "copy.deepcopy of a net": lambda w: copy.deepcopy(w.block)(w.x),
    "pickle of a net": lambda w: pickle.loads(pickle.dumps(w.block))(w.x),
    "copy.deepcopy of a trainer": lambda w: copy.deepcopy(w.trainer),
    "pickle of a trainer": lambda w: pickle.loads(pickle.dumps(w.trainer)).step(1, True),
    "random": random_draw,
    "random.seed": lambda w: random.seed(1),
    "np.random": lambda w: (gnp.random.uniform(size=(200,)), gnp.random.shuffle(gnp.ones((20,)))),
    "shuffle": lambda w: nd.random.shuffle(w.other),
    "dropout": lambda w: nd.Dropout(w.x, p=0.5, mode="always"),
    "garbage collection": lambda w: gc.collect(0),
    "set_num_threads": lambda w: (glueball.set_num_threads(2), glueball.set_num_threads(1)),
    "a net that comes and goes": lambda w: nn.Dense(UNITS).initialize(),
}

# Of what takes arguments; the rest is called with none.
ARRAY_ARGUMENTS = {
    "__add__": lambda w: (w.other,), "__iadd__": lambda w: (w.other,),
    "__getitem__": lambda w: (slice(0, 3),), "__setitem__": lambda w: (slice(0, 3), 1 / UNITS),
    "__deepcopy__": lambda w: ({},), "__matmul__": lambda w: (w.other,),
    "as_in_context": lambda w: (glueball.cpu(),), "as_in_ctx": lambda w: (glueball.cpu(),),
    "to_device": lambda w: ("cpu",), "argpartition": lambda w: (3,),
    "astype": lambda w: ("float64",), "broadcast_axes": lambda w: (0, UNITS),
    "broadcast_like": lambda w: (w.other,), "broadcast_to": lambda w: ((UNITS, UNITS),),
    "clip": lambda w: (0, 1),
    "compress": lambda w: ([True, False],), "copyto": lambda w: (w.other,),
    "dot": lambda w: (w.other,), "dump": lambda w: (file(w, "dump"),),
    "expand_dims": lambda w: (0,), "fill": lambda w: (1 / UNITS,), "flip": lambda w: (0,),
    "getfield": lambda w: ("float32",), "item": lambda w: (0,),
    "one_hot": lambda w: (4,), "pad": lambda w: ("constant", (0, 0, 1, 1)),
    "partition": lambda w: (3,), "pick": lambda w: (nd.zeros((UNITS,)),),
    "put": lambda w: ([0], [1 / UNITS]), "repeat": lambda w: (2,), "reshape": lambda w: ((-1,),),
    "reshape_like": lambda w: (w.other,),
    "setfield": lambda w: (1 / UNITS, "float32"), "slice": lambda w: ((0, 0), (2, 2)),
    "slice_axis": lambda w: (0, 0, 2), "slice_like": lambda w: (w.other,),
    "split": lambda w: (2,), "split_v2": lambda w: (2,), "swapaxes": lambda w: (0, 1),
    "take": lambda w: (nd.array([0, 1]),), "tile": lambda w: ((2, 1),),
    "tofile": lambda w: (file(w, "array"),), "tostype": lambda w: ("default",),
}  # fmt: skip
ARRAY_SPECIAL = ("__reduce__", "__copy__", "__repr__", "__iter__", "__len__", "__neg__")


def array_operation(name, is_method):
    arguments = ARRAY_ARGUMENTS.get(name, lambda w: ())
    if is_method:
        return lambda w: getattr(w.array, name)(*arguments(w))
    return lambda w: getattr(w.array, name)


def array_operations():
    public = [name for name in dir(nd.NDArray) if not name.startswith("_") and name not in LEFT_OUT]
    named = {*public, *ARRAY_SPECIAL, *ARRAY_ARGUMENTS}
    return {
        name: array_operation(name, callable(getattr(nd.NDArray, name))) for name in sorted(named)
    }


def operations():
    """All of them, by class and name."""
    groups = {
        "Block": BLOCK, "ParameterDict": PARAMETERS, "Parameter": PARAMETER, "Trainer": TRAINER,
        "NDArray": array_operations(), "": OTHERS,
    }  # fmt: skip
    return {
        f"{group}.{name}".lstrip("."): run
        for group, table in groups.items()
        for name, run in table.items()
    }


def missing():
    """Public names of the classes that no operation has in its name."""
    classes = (nn.HybridSequential, gluon.ParameterDict, gluon.Parameter, gluon.Trainer)
    for kind, table in zip(classes, (BLOCK, PARAMETERS, PARAMETER, TRAINER), strict=True):
        covered = {word for name in table for word in name.split(", ")}
        for name in dir(kind):
            if not name.startswith("_") and name not in covered and name not in LEFT_OUT:
                yield f"{kind.__name__}.{name}"


def remove_files():
    shutil.rmtree(FOLDER, ignore_errors=True)
