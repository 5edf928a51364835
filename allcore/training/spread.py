"""Training one network on several devices at once: each has a copy, takes its part of every batch, and all learn from the sum.

Tested on logical processor devices, and not yet on real GPUs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from allcore.base.errors import BadInput
from allcore.training import batches, learning
from allcore.training.batches import Batch

_APART = 10**12
"""Between the dice of two devices: more than a training throws, so that no two devices drop the same units."""


class Spread:
    """Stands in for a compiled `model` while it learns, with as much of its face as an epoch needs.

    The model itself stays on one device, and is what is judged, kept and exported: after `fit`, and before a checkpoint, it is given the
    weights of its copies and the state of their optimiser. So a checkpoint is always one of a model on one device.

    A batch is divided as evenly as can be, and the loss is the sum over all parts divided by the images of the whole batch: a step is
    the one that a single device would take, but for its last digits. Not so for what looks at its own part alone. Batch normalisation
    takes mean and variance of the images on its device, as is TensorFlow's default, and the running means are the first device's.
    """

    def __init__(self, model: keras.Model, settings: Mapping[str, Any]) -> None:
        """`settings["gpus"]` devices. Raises BadInput where this process has fewer."""
        self._model = model
        self._strategy = _strategy(settings["gpus"])
        with self._strategy.scope():
            self._copies = learning.compiled(keras.models.clone_model(model), settings)
            self._copies.optimizer.build(self._copies.trainable_variables)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        _hand_over(model, self._copies)
        self.metrics_variables = [tf.Variable(0.0) for _ in range(4)]
        """In Keras's order: what loss and accuracy have added up so far, each followed by over how many images."""
        self._step = tf.function(self._on_all)

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        return self._copies.optimizer

    def set_dice(self, throws: int) -> None:
        """Let dropout and its like begin after so many throws, each device with dice of its own."""
        for layer in self._copies.layers:
            if generator := getattr(layer, "seed_generator", None):
                for number, state in enumerate(self._strategy.experimental_local_results(generator.state.value)):
                    state.assign([state[0], throws + number * _APART])

    def fit(self, fed: Iterable[Batch], watch: keras.callbacks.Callback) -> tuple[float, float]:
        """Learn from the batches of an epoch, `watch` being told of each; loss and accuracy over the epoch."""
        watch.set_model(self)
        for variable in self.metrics_variables:
            variable.assign(0.0)
        for number, batch in enumerate(fed):
            watch.on_train_batch_begin(number)
            found = self._step(self._handed_out(batch), tf.cast(len(batch[0]), tf.float32))
            for variable, value in zip(self.metrics_variables, found, strict=True):
                variable.assign_add(value)
            watch.on_train_batch_end(number)
        self.brought_home()
        loss, over, right, judged = (float(variable.numpy()) for variable in self.metrics_variables)
        return loss / over, right / judged

    def brought_home(self) -> keras.Model:
        """The model, with what its copies have learnt by now."""
        _hand_over(self._copies, self._model)
        return self._model

    def _handed_out(self, batch: Batch) -> Any:
        """Each device's part of a batch."""
        parts = batches.divided(batch, self._strategy.num_replicas_in_sync)
        return self._strategy.experimental_distribute_values_from_function(
            lambda here: tuple(tf.constant(array) for array in parts[here.replica_id_in_sync_group])
        )

    def _on_all(self, parts: Any, images: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One step; what it adds to each of `metrics_variables`."""
        each = self._strategy.run(self._on_one, args=(*parts, images))
        loss, right = (self._strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None) for values in each)
        return loss, images, right, images

    def _on_one(self, pictures: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, counts: tf.Tensor, images: tf.Tensor) -> Any:
        """A device's part of a step: the sum of its losses, and of its right answers."""
        copies = self._copies
        with tf.GradientTape() as tape:
            answers = copies(pictures, training=True)
            loss = tf.reduce_sum(copies.loss.call(targets, answers) * weights)
            scaled = copies.optimizer.scale_loss(loss / images)
        gradients = tape.gradient(scaled, copies.trainable_variables)
        if isinstance(copies.optimizer, keras.optimizers.LossScaleOptimizer):
            # It looks for overflows on the first device alone, so that each is given all; and adds them up once more.
            gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        copies.optimizer.apply(gradients, copies.trainable_variables)
        right = tf.cast(tf.argmax(answers, -1) == tf.argmax(targets, -1), tf.float32)
        return loss, tf.reduce_sum(right * counts)


@cache
def _strategy(devices: int) -> tf.distribute.Strategy:
    """One for as many GPUs; where there are none, for as many logical devices of the processor, which only a test sets up.

    The same for all that a process trains, layers that thaw among it: two would number what they send alike, and mix it up.
    """
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(found) < devices:
        has = sum(device.device_type == "GPU" for device in found)
        raise BadInput(
            f"This training asks for {devices} GPUs, and was given {has or 'none'}.", "Train with fewer, or where there are more."
        )
    return tf.distribute.MirroredStrategy([device.name for device in found[:devices]])


def _hand_over(taught: keras.Model, to: keras.Model) -> None:
    """Give `to` the weights of `taught`, and its optimiser's state."""
    to.set_weights(taught.get_weights())
    for variable, value in zip(to.optimizer.variables, taught.optimizer.variables, strict=True):
        variable.assign(value.numpy())
