"""Estimators on several ranks: the samples, metrics and files of one process."""

from __future__ import annotations

import json

import numpy as np

from mpi_ranks import needs_mpi, run

pytestmark = needs_mpi

FIT = """
import json, logging, sys
import numpy as np
from glueball import gluon, init, metric, nd, random
from glueball.gluon import nn
from glueball.gluon.contrib.estimator import CheckpointHandler, Estimator
random.seed(3)
net = nn.Dense(3, in_units=4)
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2}, kvstore=sys.argv[1])
rank, size = (trainer._kvstore.rank, trainer._kvstore.num_workers) if trainer._kvstore else (0, 1)
rows = np.random.default_rng(5)
x = rows.standard_normal((31, 4)).astype("float32")
y = (x[:, 0] > 0).astype("float32") + (x[:, 1] > 0)
sampler = gluon.data.SplitBatchSampler(31, 8, size, rank)
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_sampler=sampler)
METRIC
estimator = Estimator(net, gluon.loss.SoftmaxCrossEntropyLoss(), train_metrics=metrics, trainer=trainer)
saver = CheckpointHandler(sys.argv[2], model_prefix="net")
estimator.fit(loader, epochs=3, event_handlers=[saver])
values = [value for each in estimator.train_metrics for _, value in each.get_name_value()]
print("result", json.dumps([values, net.weight.data().asnumpy().ravel().tolist(), len(saver.saved_checkpoints)]))
"""


def results(lines):
    return [line.partition(" ")[2] for line in lines if line.startswith("result ")]


def test_metrics_and_steps_are_of_the_samples_of_all_ranks_and_one_rank_writes(tmp_path):
    program = FIT.replace("METRIC", "metrics = [metric.Accuracy()]")
    (line,) = results(run(1, program, "local", str(tmp_path / "alone")))
    alone = json.loads(line)

    lines = run(3, program, "dist_sync", str(tmp_path / "ranks"))

    together = [json.loads(each) for each in results(lines)]
    assert len(together) == 3
    assert sum("Train for 3 epochs" in each for each in lines) == 1
    assert sorted(saved for _, _, saved in together) == [0, 0, 3]
    assert len(list((tmp_path / "ranks").glob("*.params"))) == 3
    for values, weights, _ in together:
        np.testing.assert_allclose(weights, alone[1], rtol=0, atol=1e-6)
        np.testing.assert_allclose(values, alone[0], rtol=0, atol=1e-6)


def test_metrics_that_are_not_sums_are_refused(tmp_path):
    program = FIT.replace("METRIC", "metrics = [metric.PCC()]").replace(
        "estimator.fit(loader, epochs=3, event_handlers=[saver])",
        "try: estimator.fit(loader, epochs=1)\n"
        "except NotImplementedError as error: print('result', 'found PCC' in str(error)); sys.exit()",
    )

    assert results(run(2, program, "dist_sync", str(tmp_path))) == ["True"] * 2
