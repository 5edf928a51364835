"""Settings that networks share."""

from __future__ import annotations

from allcore.data import altered, cache
from allcore.models.spec import Knob

WEIGHTS, SAMPLING, FOCAL, EQUAL = "weights", "sampling", "focal", "none"
ADAM, SGD = "adam", "sgd"
CONSTANT, COSINE = "constant", "cosine"
SCRATCH, IMAGENET = "scratch", "imagenet"


def shared(*, batch_size: int = 32, dropout: float | None = 0.1, momentum: float | None = 0.99) -> tuple[Knob, ...]:
    """The settings of a network trained by the paper's protocol; None leaves out what a network doesn't have."""
    return (
        Knob("epochs", "Epochs", int, 100, "How often the network sees as many images as the training side has.", 1, 1000),
        Knob("batch_size", "Batch size", int, batch_size, "Images a step. Smaller steps are noisier and more of them.", 1, 512),
        Knob("learning_rate", "Learning rate", float, 1e-4, "Size of a step. Too large forgets, too small never gets there.", 1e-6, 1.0),
        Knob(
            "schedule",
            "Schedule",
            str,
            CONSTANT,
            "The learning rate over the training: constant, or rising in the first twentieth and then falling to zero as a cosine does.",
            choices=(CONSTANT, COSINE),
        ),
        Knob("optimizer", "Optimiser", str, ADAM, "Adam, or gradient descent with Nesterov's momentum of 0.9.", choices=(ADAM, SGD)),
        Knob(
            "weight_decay",
            "Weight decay",
            float,
            0.0,
            "Share by which kernels shrink at each step, times the learning rate; with Adam this is AdamW.",
            0.0,
            1.0,
        ),
        *(
            (Knob("dropout", "Dropout", float, dropout, "Share of activations switched off at random while training.", 0.0, 0.9),)
            if dropout is not None
            else ()
        ),
        *(
            (
                Knob(
                    "batch_norm_momentum",
                    "Batch-norm momentum",
                    float,
                    momentum,
                    "How slowly the running means follow. At Keras's 0.99 a short training ends at chance, since they have not arrived.",
                    0.0,
                    0.999,
                ),
            )
            if momentum is not None
            else ()
        ),
        Knob(
            "balance",
            "Balance",
            str,
            WEIGHTS,
            "What the rare class gets: weights of the inverse frequency, an equal share of the images drawn, "
            "focal loss (which dwells on what is still wrong, with gamma 2), or nothing.",
            choices=(WEIGHTS, SAMPLING, FOCAL, EQUAL),
        ),
        Knob("label_smoothing", "Label smoothing", float, 0.0, "Share of each label that is spread over all classes.", 0.0, 0.5),
        Knob(
            "turns",
            "Turns",
            str,
            altered.NONE,
            "Show each image at random otherwise: not at all, flipped (left to right, top to bottom), turned by quarters and mirrored, or "
            "turned by any angle and mirrored.",
            choices=(altered.NONE, altered.FLIPS, altered.QUARTER, altered.ANY),
        ),
        Knob("stain_shift", "Stain shift", float, 0.0, "Strength of random changes of each colour, as another stain would make.", 0.0, 0.5),
        Knob("brightness_shift", "Brightness shift", float, 0.0, "Strength of random changes of brightness.", 0.0, 0.5),
        KEEP,
        PATIENCE,
        SIZE,
        Knob(
            "mixed_precision",
            "Mixed precision",
            bool,
            False,
            "Compute in 16 bits where that is safe. Faster on a GPU, slower on most processors.",
        ),
        Knob(
            "threads",
            "Threads",
            int,
            0,
            "Processor threads to compute with; 0 takes what the queue gives. Results differ in the last digits.",
            0,
            256,
        ),
        Knob(
            "gpus",
            "GPUs",
            int,
            1,
            "GPUs that share each batch; 1 also where there is none. On several, each normalises its own part of a batch.",
            1,
            16,
        ),
        SEED,
    )


def start() -> tuple[Knob, ...]:
    """The settings of a network that can start from weights learnt on ImageNet."""
    return (
        Knob(
            "start",
            "Start from",
            str,
            SCRATCH,
            "Random weights, as the paper did, or those learnt on the photographs of ImageNet, from Keras's cache or a file.",
            choices=(SCRATCH, IMAGENET),
        ),
        Knob(
            "frozen_epochs",
            "Frozen epochs",
            int,
            0,
            "With ImageNet's weights: so many epochs train the new layers alone, before all are tuned.",
            0,
            1000,
        ),
        Knob("weights_file", "Weights file", str, "", "ImageNet's weights as a .weights.h5 or .h5 file; empty takes Keras's cache."),
    )


SIZE = Knob("input_size", "Input size", int, cache.DEFAULT_SIZE, "Pixels a side that the network sees. The paper took 70.", *cache.SIZES)
KEEP = Knob(
    "keep",
    "Keep",
    str,
    "last",
    "Which epoch becomes the model: the last, or the one with the lowest loss on the tune side.",
    choices=("last", "best"),
)
PATIENCE = Knob(
    "patience", "Patience", int, 0, "Stop after so many epochs without a lower loss on the tune side; 0 never stops early.", 0, 1000
)
SEED = Knob("seed", "Seed", int, 0, "Start of every random choice: weights, order of images, dropout, and the split.", 0, 2**31 - 1)
