"""Writes distillation.json: the distillation loss, for fixed logits and in six training steps; and pixels converted to another network's normalisation and size.

`cases`: logits and labels of losses_fixture.py; the teacher's logits are formula.tensor("distillation.teacher", (6, 5)) times 5. A row's loss is
weight * T^2 * w * KL(softmax(t / T) || softmax(s / T)) + (1 - weight) * loss of the label (which has w in it), with w the weight of the row's class, and the mean that of
losses_fixture.py. The divergence is PyTorch's kl_div; in doubles.

`training`: the micro network with formula weights and ten classes learns from CIFAR's ResNet-20 with formula weights, in inference mode, whose class k is the student's class
(3 k + 1) % 10. Step s sees formula.images(4, 32, 32, offset=1000 s), which are normalised for the student (mean and standard deviation of ImageNet); the teacher sees them normalised by 0.5
and 0.5 instead, resampled to 40 pixels (bilinear, antialiased); labels (s + k) % 10 for k = 0..3. Temperature 4, weight 0.75, cross-entropy; SGD, learning rate 0.05, without momentum.
BatchNorm of the student in training mode. Losses, and the head's bias afterwards, in doubles.

`pixels`: formula.images(2, 48, 48), normalised with ImageNet's numbers, as a teacher wants them that has 0.5 and 0.5, and 32, 48 or 60 pixels; every 97th value.
"""
import torch
import torch.nn.functional as F

import formula
import losses_fixture as losses
import networks
from fixture import numbers, write

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).double(), torch.tensor([0.229, 0.224, 0.225]).double()
STEPS, TEMPERATURE, WEIGHT, LEARNING_RATE = 6, 4.0, 0.75, 0.05


def divergence(student, teacher, temperature):
    return F.kl_div(torch.log_softmax(student / temperature, 1), torch.softmax(teacher / temperature, 1), reduction="none").sum(1) * temperature ** 2


def case(options, loss, temperature, weight, mixed, by_class, by_row):
    logits = (3 * formula.tensor("losses.logits", (losses.ROWS, losses.CLASSES)).double()).requires_grad_()
    teacher = 5 * formula.tensor("distillation.teacher", (losses.ROWS, losses.CLASSES)).double()
    one_hot, e = F.one_hot(losses.LABELS, losses.CLASSES).double(), losses.EXAMPLE_WEIGHTS if by_row else torch.ones(losses.ROWS).double()
    shares = losses.SHARE * one_hot + (1 - losses.SHARE) * one_hot[losses.PARTNERS] if mixed else one_hot
    e = losses.SHARE * e + (1 - losses.SHARE) * e[losses.PARTNERS] if mixed else e
    w = (shares * losses.CLASS_WEIGHTS).sum(1) if by_class else torch.ones(losses.ROWS).double()
    each = weight * w * divergence(logits, teacher, temperature) + (1 - weight) * loss(logits, shares, losses.CLASS_WEIGHTS if by_class else None)
    mean = (e * each).sum() / (e * w).sum()
    gradient, = torch.autograd.grad(mean, logits)
    return dict(**options, temperature=temperature, weight=weight, mixed=mixed, classWeights=by_class, exampleWeights=by_row, mean=numbers(mean, 10), gradient=numbers(gradient.flatten(), 10))


def translate(pixels, size):
    """From ImageNet's normalisation to 0.5 and 0.5, and to another size."""
    shape = (1, 3, 1, 1)
    halves = (pixels * STD.reshape(shape) + MEAN.reshape(shape) - 0.5) / 0.5
    return F.interpolate(halves, size=(size, size), mode="bilinear", align_corners=False, antialias=True)


def training():
    student, teacher = formula.fill(networks.Micro()).double(), formula.fill(networks.CifarResNet(10)).double()
    student.train()
    teacher.eval()
    order = [(3 * k + 1) % 10 for k in range(10)]  # the student's class of the teacher's class k
    to_student = torch.tensor([order.index(c) for c in range(10)])
    optimizer, values = torch.optim.SGD(student.parameters(), lr=LEARNING_RATE), []
    for step in range(STEPS):
        x = formula.images(4, 32, 32, offset=1000 * step).double()
        labels = torch.tensor([(step + k) % 10 for k in range(4)])
        with torch.no_grad():
            t = teacher(translate(x, 40))[:, to_student]
        s = student(x)
        loss = WEIGHT * divergence(s, t, TEMPERATURE).mean() + (1 - WEIGHT) * F.cross_entropy(s, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    print(f"distillation: {values[0]:.4f} -> {values[-1]:.4f}")
    return dict(order=order, losses=numbers(values, 9), headBias=numbers(student.head().bias, 9))


def main():
    chosen = [losses.LOSSES[1], losses.LOSSES[2], losses.LOSSES[6]]  # smoothed cross-entropy, focal, smoothed binary
    booleans = (False, True)
    write("distillation.json", dict(
        cases=[case(options, loss, temperature, weight, mixed, by_class, by_row)
               for options, loss in chosen for temperature, weight in ((4.0, 0.9), (1.0, 0.5), (2.5, 1.0)) for mixed in booleans for by_class in booleans for by_row in booleans],
        training=training(),
        pixels=[dict(size=size, values=numbers(translate(formula.images(2, 48, 48).double(), size).flatten()[::97])) for size in (32, 48, 60)]))


if __name__ == "__main__":
    main()
