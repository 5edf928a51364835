from __future__ import annotations

import pandas as pd

from allcore.plots import usage

USED = pd.DataFrame(
    {
        "time": ["2026-11-25T10:00:00.000Z", "2026-11-25T10:00:30.000Z", "2026-11-25T10:01:00.000Z"],
        "cpu": [50.0, 200.0, 110.0],
        "memory_mb": [800.0, 1500.0, 1200.0],
        "gpu": [None, None, None],
        "gpu_memory_mb": [None, None, None],
        "gpu_celsius": [None, None, None],
    }
)


def test_cores_and_gigabytes_over_minutes():
    processor, memory = usage.usage(USED).data
    assert list(processor.x) == [0, 0.5, 1]
    assert list(processor.y) == [0.5, 2.0, 1.1]
    assert list(memory.y) == [0.8, 1.5, 1.2]
    assert usage.describe_usage(USED) == "Use of the machine over 1.0 minutes: 1.2 cores in use on average, 1.5 GB of memory at most."


def test_a_gpu_has_rows_of_its_own():
    with_gpu = USED.assign(gpu=[0.0, 90.0, 60.0], gpu_memory_mb=[100.0, 4000.0, 4000.0], gpu_celsius=[40.0, 60.0, 71.0])
    assert [one.name for one in usage.usage(with_gpu).data] == ["processor", "memory", "GPU memory", "GPU", "GPU temperature"]
    assert usage.describe_usage(with_gpu).endswith("the GPU 50% at work, 71 °C at most.")


def test_before_the_first_measurement():
    assert usage.describe_usage(USED.iloc[:0]) == usage.NOTHING_YET
    assert usage.usage(USED.iloc[:0]).layout.annotations[0].text == usage.NOTHING_YET
