"""Every loss with every stage of compression: trained, pruned, quantized, converted, and still the same classifier."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.convert import to_int8_tflite
from edgedigits.data.preprocess import to_float
from edgedigits.errors import CheckFailedError
from edgedigits.model.contract import check_contract, dense_weights
from edgedigits.model.reader import read_tflite
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT
from edgedigits.scoring.interpreter import open_classifier, run_litert
from tests.cases import THOROUGH
from tests.small_builds import ALL_LOSSES, COMPRESSIONS, SHORT, merged

# All stages of a compression see the loss alike: each loss has all of them, and one has all that there are.
EACH = ("qat+prune", "qat+cluster+prune") if THOROUGH else ("qat+cluster+prune",)
PAIRS = [
    (loss, compression)
    for loss in ALL_LOSSES
    for compression in COMPRESSIONS
    if compression in EACH or (loss == {"name": "focal"} and compression != "cluster")
]


def check_pair(splits, loss, compression):
    # The hinges that see one rival, or each class alone, leave narrower networks dead.
    plain = {"training": {"epochs": 10, "augment": "none"}, "model": {"hidden": [32, 16]}, "loss": loss}
    tables = merged(SHORT, plain, COMPRESSIONS[compression])
    config = make_config(parse_sections(tables, "test"))
    trained = train_and_compress(config, splits, SILENT)
    content = to_int8_tflite(trained.final, trained.calibration, per_tensor=config.qat.per_tensor)
    graph = read_tflite(content, "model.tflite")
    check_contract(graph, maximum_distinct=[17] * 3 if "cluster" in compression else None)
    zeros = [float(np.mean(tensor.data == 0)) for tensor in dense_weights(graph)]
    assert ("prune" in compression) == (min(zeros[:2]) >= 0.8), zeros
    stored = run_litert(open_classifier(graph), splits.test.images, kernels=("reference",))["reference"]
    keras = trained.final(to_float(splits.test.images)).numpy()
    assert np.mean(stored.argmax(axis=1) == splits.test.labels) > 0.6
    assert np.mean(stored.argmax(axis=1) == keras.argmax(axis=1)) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "compression"), PAIRS, ids=str)
def test_every_loss_goes_with_every_stage(splits_5k, loss, compression):
    check_pair(splits_5k, loss, compression)


@pytest.mark.slow
def test_stages_use_their_own_order_of_the_images_and_the_rates_asked_for(few):
    tables = merged(SHORT, {"prune": {"rate": 0.5}, "qat": {"rate": 0.1}}, COMPRESSIONS["qat+prune"])
    plans = [stage.plan for stage in train_and_compress(make_config(parse_sections(tables, "t")), few, SILENT).stages]
    assert [plan.name for plan in plans] == ["float", "prune", "qat"]
    assert [plan.peak for plan in plans] == pytest.approx([3e-3, 1.5e-3, 3e-4])
    assert len({plan.seed for plan in plans}) == 3
    assert plans[1].title == "Pruning to 80%"


@pytest.mark.slow
def test_a_training_that_diverges_is_told_and_not_deployed(few):
    reckless = {"training": {"optimizer": "sgd", "learning_rate": 100}, "model": {"hidden": [64] * 6}}
    tables = merged(SHORT, reckless, {"loss": {"name": "hinge"}})
    with pytest.raises(CheckFailedError, match=r"diverged: the loss became (nan|inf) in epoch \d+ of 6. Lower the"):
        train_and_compress(make_config(parse_sections(tables, "t")), few, SILENT)
