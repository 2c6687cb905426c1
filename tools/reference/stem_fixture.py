"""First convolutions for other numbers of channels by timm's rule (timm/models/_manipulate.py, adapt_input_conv), in numpy: Fixtures/stem.json."""
import numpy

import fixture


def adapt(kernels, channels):
    """kernels [out, 3, k, k]: summed over the colours for one channel; else repeated, cut to size and scaled, so that the sum over channels keeps its size."""
    if channels == 1:
        return kernels.sum(axis=1, keepdims=True)
    if channels == 3:
        return kernels
    repeated = numpy.tile(kernels, (1, int(numpy.ceil(channels / 3)), 1, 1))[:, :channels]
    return repeated * (3 / channels)


def main():
    kernels = numpy.sin(0.37 * numpy.arange(2 * 3 * 3 * 3)).astype(numpy.float32).reshape(2, 3, 3, 3)
    fixture.write("stem.json", dict(
        kernels=fixture.numbers(kernels, 9), adapted=[dict(channels=n, values=fixture.numbers(adapt(kernels, n).flatten(), 9)) for n in (1, 2, 4, 6, 7)]))


if __name__ == "__main__":
    main()
