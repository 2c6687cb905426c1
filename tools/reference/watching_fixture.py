"""Writes watching.json: the bytes of a small TensorBoard event file, and the learning rates that fastai's finder would suggest."""
import math

from fixture import numbers, write
from tensorboard_events import block, encode_event, encode_scalars, encode_varint, event, field, record, records

WALL = 1767323045.5  # 2026-01-02 03:04:05.5 UTC
STEPS = [(1, [("step/loss", 0.75), ("step/learning_rate", 0.001)]), (300, [("epoch/validation_loss", 2.5), ("é", -1.0)])]


def events():
    messages = [encode_event(WALL, 0, block(3, b"brain.Event:2")), encode_event(WALL, 1, block(7, field(1, 0, encode_varint(1))))]
    messages += [encode_event(WALL, step, encode_scalars(scalars)) for step, scalars in STEPS]
    data = b"".join(record(message) for message in messages)
    assert [event(message) for message in records(data)][3]["scalars"] == {"epoch/validation_loss": 2.5, "é": -1.0}
    return data.hex()


def smoothed(losses, beta=0.98):
    """fastai's AvgSmoothLoss: an exponential moving average with bias correction."""
    mean, result = 0.0, []
    for count, loss in enumerate(losses, 1):
        mean = beta * mean + (1 - beta) * loss
        result.append(mean / (1 - beta ** count))
    return result


def kept(values, factor=4):
    """Up to the step whose smoothed loss is above the factor times the best so far."""
    best = math.inf
    for i, value in enumerate(values):
        best = min(best, value)
        if value > factor * best:
            return values[:i + 1]
    return values


def valley(rates, losses):
    """fastai's `valley`: the middle of the second third of the longest falling subsequence."""
    n, longest, end = len(losses), [1] * len(losses), 0
    for i in range(1, n):
        longest[i] = 1 + max((longest[j] for j in range(i) if losses[j] > losses[i]), default=0)
        if longest[i] > longest[end]:
            end = i
    start = end - longest[end]
    third = (end - start) / 3
    return rates[max(start + int(third) + int(third / 2), 0)]


def sweep(loss_at, steps, lowest, highest):
    rates = [lowest * (highest / lowest) ** (i / (steps - 1)) for i in range(steps)]
    losses = [loss_at(rate, i) for i, rate in enumerate(rates)]
    smooth = kept(smoothed(losses))
    rates, losses = rates[:len(smooth)], losses[:len(smooth)]
    begin, end = steps // 10, len(smooth) - 5
    return dict(steps=steps, lowest=lowest, highest=highest, losses=numbers(losses, 12), smoothed=numbers(smooth, 12), suggestion=numbers(valley(rates[begin:end], smooth[begin:end]), 12))


def typical(rate, i):
    """Flat, then falling, then exploding, with a ripple."""
    return 2.0 - 1.4 / (1 + (3e-3 / rate) ** 1.5) + min((rate / 0.3) ** 3, 1e4) + 0.05 * math.sin(7.0 * i)


def calm(rate, i):
    """Falls to the end and never explodes."""
    return 1.0 / (1 + rate * 50) + 0.1 * math.cos(3.0 * i)


def main():
    cases = [sweep(typical, 100, 1e-7, 10.0), sweep(calm, 60, 1e-6, 1.0)]
    for case in cases:
        print(len(case["losses"]), case["suggestion"])
    write("watching.json", dict(wallTime=WALL, events=events(), sweeps=cases))


if __name__ == "__main__":
    main()
