"""The run of test_elastic.py, planned alike in both of its processes."""

from dataclasses import replace

from stemwright.presets import load_preset
from stemwright.training_run import TrainingPlan

STEPS, CHECKPOINT_EVERY, LEAVE, RETURN = 1500, 50, 200, 600


def elastic_plan(data: str) -> TrainingPlan:
    """Of two workers, one of which may be away."""
    tiny = load_preset("tiny")
    # so low a rate that sums in another order stay what they are, rounding, and do not grow over the run
    training = replace(tiny.training, windows_s=(0.2,), batch_size=2, learning_rate=1e-5)
    return TrainingPlan(
        preset=replace(tiny, training=training),
        data=data,
        steps=STEPS,
        workers=2,
        min_workers=1,
        checkpoint_every=CHECKPOINT_EVERY,
        validation_windows=2,
    )
